// GraphiQL's functions for JSON with comments. Formatting needs no JavaScript parser here.
import { applyEdits, format } from 'jsonc-parser';

export { parseJSONC, tryParseJSONC } from '../node_modules/@graphiql/react/dist/utility/jsonc.js';

export async function formatJSONC(text) {
  return applyEdits(text, format(text, undefined, { insertSpaces: true, tabSize: 2 }));
}

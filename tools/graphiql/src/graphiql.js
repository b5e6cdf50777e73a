// The one entry of the bundle. The page imports what it needs from here.
import EditorWorker from 'monaco-editor/esm/vs/editor/editor.worker.js?worker';
import JsonWorker from 'monaco-editor/esm/vs/language/json/json.worker.js?worker';
import GraphQLWorker from 'monaco-graphql/esm/graphql.worker.js?worker';

import '@graphiql/react/style.css'; // the styles without the fonts that style.css of graphiql embeds
import 'graphiql/graphiql.css';
import '@graphiql/plugin-doc-explorer/style.css';
import '@graphiql/plugin-history/style.css';

export { GraphiQL, HISTORY_PLUGIN } from 'graphiql';
export { useGraphiQL, useGraphiQLActions } from '@graphiql/react';
export { DOC_EXPLORER_PLUGIN } from '@graphiql/plugin-doc-explorer';
export { buildSchema } from 'graphql';
export { createElement, useEffect } from 'react';
export { createRoot } from 'react-dom/client';

globalThis.MonacoEnvironment = {
  getWorker(_, label) {
    if (label === 'json') return new JsonWorker();
    return label === 'graphql' ? new GraphQLWorker() : new EditorWorker();
  },
};

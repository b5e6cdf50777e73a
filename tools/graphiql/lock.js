// Writes package-lock.json again without the addresses of packages and of their sponsors.
import { readFileSync, writeFileSync } from 'node:fs';

const file = new URL('package-lock.json', import.meta.url);
const without = (name, value) => (['resolved', 'funding'].includes(name) ? undefined : value);
writeFileSync(file, `${JSON.stringify(JSON.parse(readFileSync(file, 'utf8'), without), null, 2)}\n`);

// Writes package-lock.json of each folder from its package.json, without the addresses of packages and of their
// sponsors, which npm writes: node tools/npm_lock.mjs docs/examples/typescript
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const folders = process.argv.slice(2);
if (!folders.length) {
  console.error('Usage: node tools/npm_lock.mjs FOLDER ...');
  process.exit(2);
}
for (const folder of folders) {
  const options = ['--package-lock-only', '--ignore-scripts', '--no-audit', '--no-fund'];
  execFileSync('npm', ['install', ...options], { cwd: folder, stdio: 'inherit' });
  const file = join(folder, 'package-lock.json');
  const lock = JSON.parse(readFileSync(file, 'utf8'));
  for (const each of Object.values(lock.packages)) {
    delete each.resolved;
    delete each.funding;
  }
  writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
}

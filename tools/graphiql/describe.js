import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const LICENCE = /^(licen[sc]e|copying|notice|thirdpartynotices)/i;

/** Packages without a licence file, and the package of the same authors that has it. */
const SAME_LICENCE = {
  '@graphiql/plugin-doc-explorer': 'graphiql',
  '@graphiql/plugin-history': 'graphiql',
  'react-compiler-runtime': 'react',
  'react-remove-scroll-bar': 'react-remove-scroll',
};
const INTRODUCTION = `The files of this folder are a bundle of the packages below. Its icon font, codicon.ttf, is part of
monaco-editor: Codicons, copyright Microsoft Corporation, Creative Commons Attribution 4.0 International. DOMPurify 3.1.7,
also part of monaco-editor, is copyright Cure53 and other contributors, under the Apache license 2.0.
`;

const FOLDER = /^(.*?\/node_modules\/)(?:.*\/node_modules\/)?(?:@[^/]+\/)?[^/]+/;
const packages = new Map();

/** Remembers the packages whose modules are in a bundle. */
export function rememberPackages() {
  return {
    name: 'remember-packages',
    generateBundle(_, bundle) {
      for (const chunk of Object.values(bundle))
        for (const id of chunk.type === 'chunk' ? chunk.moduleIds : []) {
          const [folder, root] = id.startsWith('\0') ? [] : (id.match(FOLDER) ?? []);
          if (folder) packages.set(folder, root);
        }
    },
  };
}

/** Writes LICENSES.txt, with the licences of all packages, and SHA256SUMS, with the hashes of all files. */
export function describeFolder() {
  return {
    name: 'describe-folder',
    writeBundle({ dir }) {
      const parts = [...packages].map(([folder, root]) => describePackage(folder, root));
      writeFileSync(join(dir, 'LICENSES.txt'), [INTRODUCTION, ...new Set(parts.sort())].join(`\n${'-'.repeat(80)}\n`));
      const sums = readdirSync(dir)
        .filter((name) => name !== 'SHA256SUMS')
        .sort()
        .map((name) => `${createHash('sha256').update(readFileSync(join(dir, name))).digest('hex')}  ${name}\n`);
      writeFileSync(join(dir, 'SHA256SUMS'), sums.join(''));
    },
  };
}

function describePackage(folder, root) {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const source = SAME_LICENCE[name] ? join(root, SAME_LICENCE[name]) : folder;
  const files = readdirSync(source).filter((each) => LICENCE.test(each)).sort();
  if (!files.length) throw new Error(`${name} has no licence file`);
  const texts = files.map((each) => readFileSync(join(source, each), 'utf8').replace(/\r/g, '').trim());
  return `${name} ${version}: ${license}\n\n${texts.join('\n\n')}\n`;
}

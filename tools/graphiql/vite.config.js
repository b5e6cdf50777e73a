import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';
import { describeFolder, rememberPackages } from './describe.js';

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const SOURCES = at('src/');

/** Replaces modules, by the end of the name under which they are imported, with modules of src. */
function replace(modules) {
  return {
    name: 'replace-modules',
    enforce: 'pre',
    resolveId(source, importer) {
      const end = Object.keys(modules).find((each) => source.endsWith(each));
      return end && !importer?.startsWith(SOURCES) ? SOURCES + modules[end] : null;
    },
  };
}

export default defineConfig({
  base: './',
  resolve: { alias: { 'prettier/parser-graphql': 'prettier/plugins/graphql' } },
  plugins: [
    replace({ 'vs/editor/edcore.main.js': 'monaco.js', '/utility/jsonc.js': 'jsonc.js' }),
    rememberPackages(),
    describeFolder(),
  ],
  worker: {
    format: 'es',
    plugins: () => [
      replace({ 'prettier/standalone': 'absent.js', 'prettier/plugins/graphql': 'absent.js' }),
      rememberPackages(),
    ],
    rollupOptions: { output: { entryFileNames: '[name].js', codeSplitting: false } },
  },
  build: {
    outDir: at('../../gateway/web/static/graphiql'),
    emptyOutDir: true,
    sourcemap: false,
    cssCodeSplit: false,
    assetsInlineLimit: 0,
    modulePreload: false,
    target: 'es2022',
    rollupOptions: {
      input: `${SOURCES}graphiql.js`,
      preserveEntrySignatures: 'strict',
      output: {
        entryFileNames: 'graphiql.js',
        chunkFileNames: '[name]-[hash].js',
        assetFileNames: (asset) => (asset.names[0].endsWith('.css') ? 'graphiql.css' : '[name][extname]'),
        // No file of this repository may be larger than two megabytes.
        codeSplitting: { groups: [{ name: 'monaco-base', test: /monaco-editor\/esm\/vs\/(base|platform)\// }] },
      },
    },
  },
});

import { resolve } from 'node:path';
import { defineConfig } from 'electron-vite';
import react from '@vitejs/plugin-react';

// Node 24 and Chromium 155 are Electron 45's; electron-vite's own table ends at Electron 44.
const node = 'node24.18';
const chrome = 'chrome152';

/** The command line has its own entry, for `node out/main/cli.js`; an installed program enters it through main.js. */
const commandLine = 'electron/cli/cli.ts';

export default defineConfig({
  main: {
    build: {
      target: node,
      outDir: 'out/main',
      minify: false,
      sourcemap: false,
      // Only package.json's dependencies stay outside, and that is the keychain, whose native file can't be bundled.
      rolldownOptions: {
        input: { main: 'electron/main/main.ts', cli: commandLine },
        // pg looks for it and does without.
        external: ['electron', 'pg-native'],
        output: { format: 'es', entryFileNames: '[name].js' },
      },
    },
  },
  preload: {
    build: {
      // electron-vite insists on Node here, though a sandboxed preload has none.
      target: node,
      outDir: 'out/preload',
      minify: false,
      sourcemap: false,
      // A sandboxed preload is one CommonJS file.
      externalizeDeps: false,
      rolldownOptions: {
        input: { preload: 'electron/preload/preload.ts' },
        external: ['electron'],
        output: { format: 'cjs', entryFileNames: '[name].cjs' },
      },
    },
  },
  renderer: {
    root: 'renderer',
    // The fixed list of files that app:// serves has no room for inlined ones, and the policy none for data: addresses.
    build: {
      target: chrome,
      outDir: resolve('out/renderer'),
      minify: true,
      sourcemap: false,
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      rolldownOptions: { input: resolve('renderer/index.html') },
    },
    plugins: [react()],
  },
});

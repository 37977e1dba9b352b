import { registerHooks } from 'node:module';

/** Puts the stand-in in the place of the `electron` module. Given to Node with `--import`. */
const standIn = new URL('./electron.ts', import.meta.url).href;

registerHooks({
  resolve(specifier, context, next) {
    if (specifier !== 'electron') return next(specifier, context);
    return { url: standIn, shortCircuit: true };
  },
});

/** Wraps an object so that a member it lacks fails by name, instead of being undefined. */
export function refuseMissing<Members extends object>(name: string, members: Members): Members {
  return new Proxy(members, {
    get(target, member, receiver) {
      // Node looks for these on anything it prints, awaits or emits from.
      if (typeof member === 'symbol' || member in target || quiet.has(member)) {
        return Reflect.get(target, member, receiver) as unknown;
      }
      throw new Error(`The Electron stand-in has no ${name}.${member}.`);
    },
  });
}

const quiet = new Set([
  'then',
  'toJSON',
  'domain',
  'captureRejections',
  '_events',
  '_eventsCount',
  '_maxListeners',
]);

/** Refuses options the stand-in doesn't know or can't keep. */
export function refuseOptions(name: string, given: object, known: readonly string[]): void {
  for (const option of Object.keys(given)) {
    if (!known.includes(option)) throw new Error(`The Electron stand-in has no ${name} option ${option}.`);
  }
}

/** The Node that Electron 45 embeds; the packages `node-<platform>` put it first on the path of npm scripts. */
const wantedMajor = 24;

/** What is wrong with the Node this runs on and what to do, in one line; `null` when it is the right one. */
export function nodeVersionProblem(version = process.version): string | null {
  if (version.startsWith(`v${String(wantedMajor)}.`)) return null;
  return (
    `This runs on Node ${version}, but the console is tested on Node ${String(wantedMajor)} as Electron embeds it: ` +
    'run "npm ci" without --omit=optional (it installs the right Node beside the machine\'s own), ' +
    `then start this with "npm test"; where there is no such package (macOS), install Node ${String(wantedMajor)} itself.`
  );
}

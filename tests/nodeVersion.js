// Run before each program of the repository, in JavaScript because an older Node can't read TypeScript:
// npm scripts have to run on the Node that Electron 45 embeds. The packages `node-<platform>` put it first on
// their path; where these were left out, Node 20 would run a part of the tests without a word and break in others.
const wanted = 24;

if (!process.version.startsWith(`v${wanted}.`)) {
  console.error(
    `This runs on Node ${process.version} but needs Node ${wanted}: run "npm ci" (without --omit=optional; it brings ` +
      'the right Node along), then use the npm scripts; where npm has no Node for the machine (macOS), ' +
      `install Node ${wanted} itself.`,
  );
  process.exit(1);
}

import { buildIfStale, findShell, hashBuilt } from '#demo/shell.ts';

/** Builds what is stale and says in what the journeys run and which files they load. */
export default async function globalSetup(): Promise<void> {
  await buildIfStale();
  const shell = await findShell();
  console.log(`The journeys run in ${shell.says}.`);
  for (const [file, hash] of Object.entries(hashBuilt())) console.log(`${hash}  out/${file}`);
}

/** Starts a platform, says where, and holds it until it is killed: the parent in the tests of endings. */
import { startPlatform } from '#demo/platform.ts';

const [cacheFolder = '', seed = '1'] = process.argv.slice(2);
const platform = await startPlatform({ scale: 'small', seed: Number(seed), cacheFolder });
const { port, postgres, r2 } = platform;
process.stdout.write(`${JSON.stringify({ port, dataFolder: postgres.dataFolder, endpoint: r2.endpoint })}\n`);
setInterval(() => undefined, 60_000);

/**
 * A throw-away PostgreSQL for `console map check --against`, as a process of its own: prints where it is as one line
 * of JSON, and ends with everything it made when its input closes.
 */
import { startPostgres } from './postgres.ts';
import { withSuperuser } from './superuser.ts';

const database = 'scratch';

const server = await startPostgres();
const stop = (): void => {
  void server.stop().then(() => process.exit(0));
};
try {
  await withSuperuser(server, 'postgres', ({ query }) =>
    query(`create database ${database} template template0`),
  );
  const { host, port, superuser } = server;
  process.stdout.write(`${JSON.stringify({ host, port, database, ...superuser })}\n`);
  process.stdin.on('end', stop).on('error', stop).resume();
} catch (error) {
  await server.stop();
  throw error;
}

// Signs in with the target in TEST_TARGET as a process of its own and prints what the session looks like, or the refusal.
import { openPool, type DatabaseTarget } from '#core/database/pool.ts';

const target = JSON.parse(process.env['TEST_TARGET'] ?? '') as DatabaseTarget;

try {
  const pool = openPool(target, { version: '0.0.0', environment: 'production' });
  try {
    const { rows } = await pool.query(`
      select concat_ws(' ', session_user, current_database(),
        (select case when ssl then 'encrypted' end from pg_stat_ssl where pid = pg_backend_pid()),
        current_setting('statement_timeout'), current_setting('TimeZone'), current_setting('client_encoding'),
        current_setting('application_name')) as session`);
    process.stdout.write(String(rows[0]?.['session']));
  } finally {
    await pool.close();
  }
} catch (error) {
  process.stdout.write(
    error instanceof Error && 'code' in error ? `${String(error.code)}: ${error.message}` : String(error),
  );
}

import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { DatabaseFault, raised } from '#core/database/errors.ts';
import { maximumConnections, openPool, type Pool } from '#core/database/pool.ts';
import { makeAuthority } from '#tests/helpers/certificates.ts';
import { openCuttingProxy } from '#tests/helpers/cuttingProxy.ts';
import { startTlsServer, type TlsServer } from '#tests/helpers/tlsServer.ts';

const authority = makeAuthority('CloudSingh');
const tls = { mode: 'verify', ca: authority.certificate, serverName: 'database.test' } as const;

let server: TlsServer;
let pool: Pool;
const opened: Pool[] = [];

function open(changes: Parameters<TlsServer['target']>[1] = {}): Pool {
  const made = openPool(server.target(tls, changes), { version: '1.2.3', environment: 'production' });
  opened.push(made);
  return made;
}

beforeAll(async () => {
  server = await startTlsServer(authority.issue({ names: ['database.test'] }));
  await server.superuser.query(`
    create table public.note (id int primary key, body text not null);
    create schema privacy_console;
    create function privacy_console.refuse() returns void language plpgsql as
      $$ begin raise exception 'This access has been closed; open a new one.' using errcode = 'PC002', detail = 'SECRET-DETAIL'; end $$;
    grant usage on schema privacy_console to clerk;
    grant select, insert on public.note to clerk;
  `);
});

afterAll(async () => {
  for (const made of opened) await made.close();
  await server.stop();
});

afterEach(async () => {
  await server.superuser.query('truncate public.note');
});

async function sessions(where: string): Promise<readonly string[]> {
  const { rows } = await server.superuser.query(
    `select application_name from pg_stat_activity where usename = 'clerk' and ${where}`,
  );
  return rows.map((row) => String(row['application_name']));
}

async function until(check: () => Promise<boolean>): Promise<void> {
  while (!(await check())) await delay(20);
}

describe('a session', () => {
  test('is encrypted, named, limited, and writes times the same everywhere', async () => {
    pool = open();
    const { rows } = await pool.query(`
      select current_setting('application_name') as name, current_setting('statement_timeout') as statement,
        current_setting('lock_timeout') as lock, current_setting('idle_in_transaction_session_timeout') as idle,
        current_setting('tcp_keepalives_idle') as alive,
        current_setting('TimeZone') as zone, (select ssl from pg_stat_ssl where pid = pg_backend_pid()) as encrypted`);
    expect(rows[0]).toEqual({
      name: 'privacy-console/1.2.3 tests',
      statement: '30s',
      lock: '5s',
      idle: '15s',
      alive: '30',
      zone: 'UTC',
      encrypted: true,
    });
  });

  test('keeps microseconds, dates and big numbers as the database writes them', async () => {
    pool = open();
    const { rows } = await pool.query(
      `select timestamptz '2026-11-22 14:05:00.123456+05:30' as at, date '2026-11-22' as day, 9007199254740993::int8 as big,
        7::int4 as small, true as yes, array[timestamptz '2026-01-01Z'] as times, null as nothing, $1::text as said`,
      ['नमस्ते 🎉'],
    );
    expect(rows[0]).toEqual({
      at: '2026-11-22 08:35:00.123456+00',
      day: '2026-11-22',
      big: '9007199254740993',
      small: 7,
      yes: true,
      times: ['2026-01-01 00:00:00+00'],
      nothing: null,
      said: 'नमस्ते 🎉',
    });
  });

  test('is one of three at most, and the fourth caller waits', async () => {
    pool = open({ workstation: 'three' });
    let most = 0;
    await Promise.all(
      Array.from({ length: 7 }, async () => {
        await pool.query('select pg_sleep(0.05)');
        most = Math.max(most, (await sessions("application_name like '% three'")).length);
      }),
    );
    expect(most).toBe(maximumConnections);
    expect(pool.connectionCount).toBe(maximumConnections);
  });
});

describe('a transaction', () => {
  test('is committed when the work returns', async () => {
    pool = open();
    const answer = await pool.transaction(async (client) => {
      const { rowCount } = await client.query('insert into public.note values ($1, $2)', [1, 'kept']);
      return rowCount;
    });
    expect(answer).toBe(1);
    expect((await pool.query('select body from public.note')).rows).toEqual([{ body: 'kept' }]);
  });

  test('is rolled back when the work throws, and the error is its own', async () => {
    pool = open();
    const own = new Error('of the caller');
    await expect(
      pool.transaction(async (client) => {
        await client.query("insert into public.note values (1, 'lost')");
        throw own;
      }),
    ).rejects.toBe(own);
    expect((await pool.query('select from public.note')).rowCount).toBe(0);
    expect(pool.connectionCount).toBe(1);
  });

  test('with a swallowed error does not pass for committed', async () => {
    pool = open();
    await expect(
      pool.transaction(async (client) => {
        await client.query("insert into public.note values (1, 'lost')");
        await client.query('select 1/0').catch(() => undefined);
      }),
    ).rejects.toThrow('swallowed');
    expect((await pool.query('select from public.note')).rowCount).toBe(0);
  });

  test('is read only and repeatable when asked', async () => {
    pool = open();
    await pool.transaction(
      async (client) => {
        const { rows } = await client.query(
          "select current_setting('transaction_isolation') as isolation, current_setting('transaction_read_only') as ro",
        );
        expect(rows[0]).toEqual({ isolation: 'repeatable read', ro: 'on' });
      },
      { isolation: 'repeatable read', readOnly: true },
    );
    await expect(
      pool.transaction((client) => client.query("insert into public.note values (1, 'x')"), {
        readOnly: true,
      }),
    ).rejects.toMatchObject({ code: 'refused' });
  });

  test('aborted between two statements is rolled back', async () => {
    pool = open();
    const stop = new AbortController();
    await expect(
      pool.transaction(
        async (client) => {
          await client.query("insert into public.note values (1, 'lost')");
          stop.abort();
        },
        { signal: stop.signal },
      ),
    ).rejects.toMatchObject({ code: 'cancelled' });
    expect((await pool.query('select from public.note')).rowCount).toBe(0);
  });

  test('whose connection is lost during the commit says that the outcome is not known', async () => {
    pool = open({ workstation: 'lost' });
    await server.superuser.query(`
      create function public.slow() returns trigger language plpgsql as $$ begin perform pg_sleep(30); return null; end $$;
      create constraint trigger slow after insert on public.note deferrable initially deferred
        for each row execute function public.slow();`);
    try {
      const done = pool.transaction((client) => client.query("insert into public.note values (1, 'x')"));
      const ended = expect(done).rejects.toMatchObject({
        code: 'unreachable',
        message: expect.stringContaining('may or may not count'),
      });
      await until(async () => (await sessions("query = 'commit' and state = 'active'")).length === 1);
      await server.superuser.query(
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name like '% lost'",
      );
      await ended;
      expect((await pool.query('select 1')).rowCount).toBe(1);
    } finally {
      await server.superuser.query('drop trigger slow on public.note; drop function public.slow()');
    }
  });

  test('lends its session for its own time only, one statement at a time', async () => {
    pool = open();
    const kept = await pool.withClient(async (client) => {
      await expect(
        Promise.all([client.query('select pg_sleep(0.1)'), client.query('select 1')]),
      ).rejects.toThrow('one statement at a time');
      await delay(150);
      return client;
    });
    await expect(kept.query('select 1')).rejects.toThrow('given back');
  });
});

describe('cancelling', () => {
  test('stops the statement on the server and leaves the session fit for the next', async () => {
    pool = open({ workstation: 'cancel' });
    const stop = new AbortController();
    const slow = pool.query('select pg_sleep(60)', [], { signal: stop.signal });
    const ended = expect(slow).rejects.toMatchObject({ code: 'cancelled' });
    await until(
      async () => (await sessions("state = 'active' and query like '%pg_sleep(60)%'")).length === 1,
    );
    stop.abort();
    await ended;
    await until(
      async () => (await sessions("state = 'active' and query like '%pg_sleep(60)%'")).length === 0,
    );
    expect((await pool.query('select 7 as seven')).rows).toEqual([{ seven: 7 }]);
    expect(pool.connectionCount).toBe(1);
  });

  test('in a transaction rolls it back', async () => {
    pool = open();
    const stop = new AbortController();
    const work = pool.transaction(
      async (client) => {
        await client.query("insert into public.note values (1, 'lost')");
        setTimeout(() => stop.abort(), 50);
        await client.query('select pg_sleep(60)');
      },
      { signal: stop.signal },
    );
    await expect(work).rejects.toMatchObject({ code: 'cancelled' });
    expect((await pool.query('select from public.note')).rowCount).toBe(0);
  });

  test('a caller who waits for a session frees its place', async () => {
    pool = open();
    const release: (() => void)[] = [];
    const holding = Array.from({ length: maximumConnections }, () =>
      pool.withClient(() => new Promise<void>((resolve) => release.push(resolve))),
    );
    await until(async () => release.length === maximumConnections);
    const stop = new AbortController();
    const waiting = pool.query('select 1', [], { signal: stop.signal });
    stop.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'cancelled' });
    for (const free of release) free();
    await Promise.all(holding);
    expect((await pool.query('select 1')).rowCount).toBe(1);
  });

  test('before it begins sends nothing', async () => {
    pool = open();
    await expect(pool.query('select 1', [], { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'cancelled',
    });
    expect(pool.connectionCount).toBe(0);
  });

  test('many times over never hits the statement after', async () => {
    pool = open();
    for (let turn = 0; turn < 60; turn += 1) {
      const stop = new AbortController();
      const raced = pool.query('select pg_sleep($1)', [(turn % 6) / 1000], { signal: stop.signal });
      setTimeout(() => stop.abort(), turn % 8);
      await raced.catch((error: unknown) => expect(error).toMatchObject({ code: 'cancelled' }));
      expect((await pool.query('select $1::int as turn', [turn])).rows).toEqual([{ turn }]);
    }
  });

  test('by the time limit says that it took too long, and the usual limit is back after it', async () => {
    pool = open();
    await expect(pool.query('select pg_sleep(60)', [], { timeoutMs: 50 })).rejects.toMatchObject({
      code: 'cancelled',
      message: expect.stringContaining('took too long'),
    });
    expect((await pool.query('show statement_timeout')).rows).toEqual([{ statement_timeout: '30s' }]);
  });

  test('by the time limit of a transaction, or of one statement in it', async () => {
    pool = open();
    await pool.transaction(
      async (client) => {
        const shown = async (options = {}): Promise<unknown> =>
          (await client.query('show statement_timeout', [], options)).rows[0];
        expect(await shown()).toEqual({ statement_timeout: '1min' });
        expect(await shown({ timeoutMs: 5_000 })).toEqual({ statement_timeout: '5s' });
        expect(await shown()).toEqual({ statement_timeout: '1min' });
      },
      { timeoutMs: 60_000 },
    );
    expect((await pool.query('show statement_timeout')).rows).toEqual([{ statement_timeout: '30s' }]);
  });
});

describe('copy out', () => {
  const million = 'copy (select g, repeat($$x$$, 100) from generate_series(1, 1000000) g) to stdout';

  test('streams everything and gives the session back', async () => {
    pool = open();
    let bytes = 0;
    let most = 0;
    for await (const chunk of await pool.copyOut(
      'copy (select repeat($$x$$, 99) from generate_series(1, 100000)) to stdout',
    )) {
      const { length } = chunk as Buffer;
      bytes += length;
      most = Math.max(most, length);
    }
    expect(bytes).toBe(10_000_000);
    expect(most).toBeLessThan(1_000_000);
    for (let turn = 0; turn < 15; turn += 1) {
      expect(await text(await pool.copyOut('copy (select 1) to stdout'))).toBe('1\n');
      expect((await pool.query('show statement_timeout')).rows).toEqual([{ statement_timeout: '30s' }]);
    }
  });

  test('several after each other see one snapshot of one transaction', async () => {
    pool = open();
    await pool.query("insert into public.note values (1, 'before')");
    await pool.transaction(
      async (client) => {
        const copy = 'copy (select body from public.note order by id) to stdout';
        expect(await text(await client.copyOut(copy))).toBe('before\n');
        await server.superuser.query("insert into public.note values (2, 'after')");
        expect(await text(await client.copyOut(copy))).toBe('before\n');
        expect((await client.query('select count(*)::int as n from public.note')).rows).toEqual([{ n: 1 }]);
      },
      { isolation: 'repeatable read', readOnly: true },
    );
  });

  test('destroyed by its reader ends on the server', async () => {
    pool = open({ workstation: 'reader' });
    const stream = await pool.copyOut(million);
    await stream[Symbol.asyncIterator]().next();
    stream.destroy();
    await until(async () => (await sessions("application_name like '% reader'")).length === 0);
    expect((await pool.query('select 1')).rowCount).toBe(1);
  });

  test('that computes without writing is cancelled on the server', async () => {
    pool = open({ workstation: 'computing' });
    const stop = new AbortController();
    const stream = await pool.copyOut('copy (select pg_sleep(60)) to stdout', { signal: stop.signal });
    const read = expect(text(stream)).rejects.toMatchObject({ code: 'cancelled' });
    await until(
      async () => (await sessions("application_name like '% computing' and state = 'active'")).length === 1,
    );
    stop.abort();
    await read;
    await until(async () => (await sessions("application_name like '% computing'")).length === 0);
  });

  test('that fails says so without the value that made it fail', async () => {
    pool = open();
    const stream = await pool.copyOut(
      "copy (select ('SECRET' || g)::int from generate_series(1, 3) g) to stdout",
    );
    const failure = await text(stream).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(DatabaseFault);
    expect(failure).toMatchObject({ sqlState: '22P02' });
    expect(String((failure as Error).stack)).not.toContain('SECRET');
    expect((await pool.query('select 1')).rowCount).toBe(1);
  });

  test('over a connection that is gone without a word ends as a lost one, and the server is free', async () => {
    const proxy = await openCuttingProxy(server);
    pool = open({ port: proxy.port, workstation: 'forgotten' });
    try {
      await pool.query('select 1');
      proxy.arm({ at: 3_000_000, how: 'forgotten' });
      const read = text(await pool.copyOut(million, { silenceMs: 2_000 }));
      await expect(read).rejects.toMatchObject({ code: 'unreachable' });
      expect(proxy.hasCut).toBe(true);
      await until(async () => (await sessions("application_name like '% forgotten'")).length === 0);
      expect((await pool.query('select 1')).rowCount).toBe(1);
    } finally {
      await pool.close();
      await proxy.close();
    }
  });

  test('for a reader who takes his time is not taken for a lost one', async () => {
    pool = open();
    let bytes = 0;
    const stream = await pool.copyOut(
      'copy (select repeat($$x$$, 99) from generate_series(1, 20000)) to stdout',
      {
        silenceMs: 1_500,
      },
    );
    for await (const chunk of stream) {
      if (bytes === 0) await delay(3_200);
      bytes += (chunk as Buffer).byteLength;
    }
    expect(bytes).toBe(2_000_000);
  });

  test('left unread in a transaction does not hold it', async () => {
    pool = open();
    await expect(pool.transaction((client) => client.copyOut(million))).rejects.toThrow();
    expect((await pool.query('select 1')).rowCount).toBe(1);
  });
});

describe('an error', () => {
  async function failureOf(statement: string, values: readonly unknown[] = []): Promise<Error> {
    const failure = await open()
      .query(statement, values)
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(Error);
    return failure as Error;
  }

  test('of our own functions keeps its sentence and nothing else', async () => {
    const failure = await failureOf('select privacy_console.refuse()');
    expect(failure).toMatchObject({
      name: 'ExpectedError',
      code: raised.PC002,
      message: 'This access has been closed; open a new one.',
    });
    expect(JSON.stringify({ ...failure }) + String(failure.stack)).not.toContain('SECRET');
    expect(failure.cause).toBeUndefined();
  });

  test('never holds a value of a row or a parameter', async () => {
    await server.superuser.query("insert into public.note values (1, 'x')");
    for (const failure of [
      await failureOf("insert into public.note values (1, 'SECRET')"),
      await failureOf('insert into public.note values (2, $1)', [null]),
      await failureOf('select $1::int', ['SECRET']),
      await failureOf("select 'SECRET'::timestamptz"),
    ]) {
      expect(failure).toBeInstanceOf(DatabaseFault);
      expect(failure.cause).toBeUndefined();
      expect(JSON.stringify({ ...failure }) + String(failure.stack)).not.toContain('SECRET');
    }
  });

  test('of a character that PostgreSQL has not says so without the text', async () => {
    const failure = await failureOf('select $1::text', ['SECRET\u0000']);
    expect(failure).toMatchObject({ code: 'invalid_input' });
    expect(JSON.stringify({ ...failure }) + String(failure.stack)).not.toContain('SECRET');
  });

  test('of rights and of a missing schema is told apart from a bug', async () => {
    expect(await failureOf('select from pg_authid')).toMatchObject({ code: 'not_permitted' });
    expect(await failureOf('select from privacy_console.version')).toMatchObject({ code: 'schema_missing' });
    expect(await failureOf('selec 1')).toBeInstanceOf(DatabaseFault);
  });

  test('of a lost session is expected, and the next statement has a new one', async () => {
    pool = open({ workstation: 'shot' });
    const slow = pool.query('select pg_sleep(60)');
    const ended = expect(slow).rejects.toMatchObject({ code: 'unreachable' });
    await until(
      async () => (await sessions("application_name like '% shot' and state = 'active'")).length === 1,
    );
    await server.superuser.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where application_name like '% shot'",
    );
    await ended;
    expect((await pool.query('select 1')).rowCount).toBe(1);
  });

  test('of a lost idle session ends nothing', async () => {
    let lost = 0;
    pool = openPool(server.target(tls, { workstation: 'idle' }), {
      version: '1.2.3',
      environment: 'production',
      onConnectionLost: () => {
        lost += 1;
      },
    });
    opened.push(pool);
    await pool.query('select 1');
    await server.superuser.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where application_name like '% idle'",
    );
    await until(async () => lost === 1);
    expect((await pool.query('select 1')).rowCount).toBe(1);
  });

  test('that parsed a statement before a table changed says so once, and asks again', async () => {
    pool = open();
    await server.superuser.query(
      'create view public.said as select body from public.note; grant select on public.said to clerk',
    );
    const ask = () => pool.query('select * from public.said where $1::int is not null', [1]);
    await ask();
    await server.superuser.query(
      'drop view public.said; create view public.said as select id, body from public.note; grant select on public.said to clerk',
    );
    await expect(ask()).rejects.toMatchObject({ code: 'conflict' });
    await expect(ask()).resolves.toMatchObject({ rowCount: 0 });
    await server.superuser.query('drop view public.said');
  });

  test('after closing says that the console is locked', async () => {
    pool = open();
    await pool.close();
    await expect(pool.query('select 1')).rejects.toMatchObject({ code: 'not_signed_in' });
  });
});

import type { RequestKind } from '#shared/domain/requests.ts';
import type { Platform } from './platform.ts';
import { expectDone, plainConsole, type DemoPlaces } from './staff.ts';
import { withSuperuser } from './superuser.ts';

/** Who the demo's story is about, as the platform knows them; for the story and its judge only. */
export interface Protagonist {
  readonly id: string;
  readonly name: string;
  readonly email: string;
}

export interface Planted {
  readonly protagonist: Protagonist;
  readonly deletionRequest: number;
  readonly exportRequest: number;
}

/** What made-up people wrote to support@, days ago. */
const letters: readonly {
  readonly kind: RequestKind;
  readonly daysAgo: number;
  readonly text: (name: string, email: string) => string;
}[] = [
  {
    kind: 'access',
    daysAgo: 27,
    text: (name, email) => `Please send me a copy of everything you hold about me. ${name}, ${email}`,
  },
  {
    kind: 'correction',
    daysAgo: 12,
    text: (name, email) => `My name is misspelt in your dashboard. It is ${name}. My login is ${email}.`,
  },
  {
    kind: 'deletion',
    daysAgo: 33,
    text: (name) => `I asked a month ago to have my account deleted. Why is it still there? ${name}`,
  },
  {
    kind: 'export',
    daysAgo: 6,
    text: (name, email) => `I am moving to another provider and need my data in a file. ${name} <${email}>`,
  },
  { kind: 'access', daysAgo: 2, text: (_name, email) => `Which data do you have under ${email}?` },
];

/**
 * Records the requests a desk would have on a Monday morning, as the operator;
 * the newest two are those of the demo's story: somebody with workspaces,
 * messages, files and an invoice, and nobody else in the workspaces.
 */
export async function plantRequests(platform: Platform, places: DemoPlaces): Promise<Planted> {
  const people = await withSuperuser(platform, platform.database, async ({ query }) => {
    const { rows } = await query<Protagonist>(
      `select u.id::text, u.name, u.email::text from users u
       where u.closed_at is null and u.name ~ '^[A-Z][a-z]{3,12} [A-Z][a-z]{4,12}$'
         and exists (select from workspaces w join media_files f on f.workspace_id = w.id join invoices i on i.workspace_id = w.id
           where w.owner_id = u.id and exists (select from messages m where m.workspace_id = w.id))
         and not exists (select from workspaces w join workspace_members b on b.workspace_id = w.id where w.owner_id = u.id and b.user_id <> u.id)
       order by md5(u.id::text) limit 1`,
    );
    // The first two write in Devanagari and with emoji, so that everybody sees whether the desk can.
    const { rows: others } = await query<Protagonist>(
      `select id::text, name, email::text from users where closed_at is null and length(name) < 40 and name !~ '[<=]'
       order by name not in ('अनुष्का देशपांडे', 'Priya 🌸✨ Nair'), md5(email::text || 'letters') limit 5`,
    );
    return { protagonist: rows[0], others };
  });
  if (people.protagonist === undefined) throw new Error('this seed made nobody for the story');
  const console = plainConsole(places);
  try {
    await expectDone(console, 'session.signIn', { profile: 'demo:operator' });
    const receive = async (kind: RequestKind, daysAgo: number, message: string): Promise<number> =>
      (await expectDone(console, 'requests.open', { kind, receivedOn: dayBefore(daysAgo), message })).request
        .id;
    for (const [place, letter] of letters.entries()) {
      const who = people.others[place];
      if (who !== undefined) await receive(letter.kind, letter.daysAgo, letter.text(who.name, who.email));
    }
    const { name, email } = people.protagonist;
    const exportRequest = await receive(
      'export',
      9,
      `Before you delete my account please send me all my data. ${name} (${email})`,
    );
    const deletionRequest = await receive(
      'deletion',
      9,
      `Please delete my account and everything in it. ${name} (${email})`,
    );
    return { protagonist: people.protagonist, deletionRequest, exportRequest };
  } finally {
    await console.close();
  }
}

function dayBefore(days: number): string {
  return new Intl.DateTimeFormat('en-CA', { timeZone: 'Asia/Kolkata' }).format(
    new Date(Date.now() - days * 86_400_000),
  );
}

import type { ObjectStore, StoredObject } from './objectStore.ts';
import { largeMediaBytes, mediaBytes, sha256, type MediaBytes } from './mediaBytes.ts';
import { commonName, namedPeople, namePools } from './people.ts';
import {
  messagesKeys,
  messagesTable,
  pageViewsKeys,
  pageViewsTable,
  platformDatabase,
  platformExtensions,
  platformForeignKeys,
  platformKeys,
  platformOwner,
  platformTables,
  platformTypes,
} from './platformSchema.ts';
import { withSuperuser, type SuperuserAccess } from './superuser.ts';

/** How much there is. The heaviest account is user number 1; it owns `heavyWorkspaces` workspaces without other members. */
export const scales = {
  small: {
    users: 2_000,
    workspaces: 1_500,
    messages: 60_000,
    pageViews: 100_000,
    objects: 400,
    /** Every how many-th message belongs to the heaviest account. */
    heavyEvery: 3,
    heavyObjects: 60,
    /** People known only by their phone number. */
    recipients: 8_000,
    supportMessages: 600,
    /** Of a thousand workspaces, how many call the API. */
    apiWorkspaces: 300,
  },
  large: {
    users: 1_000_000,
    workspaces: 800_000,
    messages: 12_000_000,
    pageViews: 4_000_000,
    objects: 2_000,
    heavyEvery: 6,
    heavyObjects: 300,
    recipients: 1_500_000,
    supportMessages: 100_000,
    apiWorkspaces: 30,
  },
} as const;

export type Scale = keyof typeof scales;

export const heavyWorkspaces = 3;

/** What real buckets hold besides: counts at every scale. */
export const plantedObjects = {
  /** Objects below a workspace's prefix that no row names. */
  unnamed: 10,
  /** Objects outside every workspace that no row names. */
  elsewhere: 5,
  /** Rows whose object is gone. */
  gone: 12,
} as const;

/** The present of the made-up world; all its times are relative to it, so that every run gives the same rows. */
export const referenceTime = '2026-11-22 00:00:00+00';

/** Messages and page views begin here, in seconds since 1970, and go on evenly until the reference time. */
const trafficStart = Date.parse('2025-12-01T00:00:00Z') / 1000;
const trafficSeconds = Date.parse(referenceTime) / 1000 - trafficStart;

/** Largest seed: it has to stay exact when SQL multiplies it. */
export const largestSeed = 4_294_967_295;

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

function names(): string {
  const rows: string[] = [];
  for (const [pool, parts] of Object.entries(namePools)) {
    for (const part of ['given', 'family'] as const) {
      parts[part].forEach(([shown, ascii], index) => {
        rows.push(`(${literal(pool)}, ${literal(part)}, ${index}, ${literal(shown)}, ${literal(ascii)})`);
      });
    }
  }
  return rows.join(',\n');
}

function named(): string {
  return namedPeople
    .map(
      ({ name, email, phone }, index) =>
        // From user number 2 on; number 1 is the heaviest account.
        `(${index + 2}, ${literal(name)}, ${email === undefined ? 'null' : literal(email)}, ` +
        `${phone === undefined || phone === null ? 'null' : literal(phone)}, ${phone === null})`,
    )
    .join(',\n');
}

/**
 * Helpers of the filling, in a schema of their own that is dropped at the end.
 *
 * Everything is a function of the seed and a row's number, through
 * `hashint8extended`, which is fast enough for millions of rows. People have a
 * number from 1 and, but for the heaviest account, a slot from 0: the slots
 * are the numbers shuffled by a multiplication modulo a number it shares no
 * divisor with, so that either can be computed from a workspace's number.
 */
function helpers(seed: number, scale: Scale): string {
  const size = scales[scale];
  const others = size.users - 1;
  const ownerSlots = Math.floor(others * 0.65);
  const memberSlots = Math.floor(others * 0.85);
  const rest = size.workspaces - heavyWorkspaces;
  return `
create schema seeding;
create function seeding.draw(salt int, n bigint, below bigint) returns bigint language sql immutable parallel safe as
$$ select (hashint8extended(n, ${seed}::bigint * 1000 + salt) & 9223372036854775807) % below $$;
-- 128 hashed bits, of which six say "version 4, RFC 9562". Only immutable parts (no text || bigint), or it would not be inlined.
create function seeding.uuid(kind text, n bigint) returns uuid language sql immutable parallel safe as
$$ select encode(int8send(hashint8extended(n, hashtextextended(kind, ${seed})) & -61441 | 16384)
  || int8send(hashint8extended(n, hashtextextended(kind, -1 - ${seed})) & 4611686018427387903 | -9223372036854775808), 'hex')::uuid $$;
-- +91 70000 xxxxx, and when those are used up, the country code 999, which is never given out.
create function seeding.phone(k bigint) returns text language sql immutable parallel safe as
$$ select case when k < 100000 then '+9170000' || lpad(((k * 61803 + ${seed}) % 100000)::text, 5, '0')
  else '+99970' || lpad(((k * 61803399 + ${seed}) % 100000000)::text, 8, '0') end $$;
create function seeding.person(slot bigint) returns bigint language sql immutable parallel safe as
$$ select 2 + (slot * 7919 + ${seed % others}) % ${others} $$;
create function seeding.owner(w bigint) returns bigint language sql immutable parallel safe as
$$ select case when w <= ${heavyWorkspaces} then 1 else seeding.person((w - ${heavyWorkspaces + 1}) % ${ownerSlots}) end $$;
create function seeding.campaigns(w bigint) returns bigint language sql immutable parallel safe as
$$ select case when w <= ${heavyWorkspaces} then 6 else seeding.draw(30, w, 4) end $$;
create function seeding.campaign(w bigint, k bigint) returns uuid language sql immutable parallel safe as
$$ select seeding.uuid('campaign', w * 10 + k) $$;
create function seeding.sessions(w bigint) returns bigint language sql immutable parallel safe as
$$ select case when w <= ${heavyWorkspaces} then 2 else (array[0, 0, 1, 1, 1, 1, 1, 1, 1, 2])[1 + seeding.draw(31, w, 10)] end $$;
-- Recipient k of a workspace; neighbouring workspaces share some, and the first ones are account holders as well.
create function seeding.recipient_number(w bigint, k bigint) returns bigint language sql immutable parallel safe as
$$ select ${Math.floor(size.users / 2)} + (w * 37 + k) % ${size.recipients} $$;
create function seeding.ago(salt int, n bigint, days int) returns timestamptz language sql immutable parallel safe as
$$ select to_timestamp(${Date.parse(referenceTime) / 1000} - 60 - seeding.draw(salt, n, days * 86400)) $$;
-- In a shared workspace somebody who owns none; the second of its members.
create function seeding.colleague(w bigint) returns bigint language sql immutable parallel safe as
$$ select case when w % 4 = 0 and w > ${heavyWorkspaces} then seeding.person(${ownerSlots} + seeding.draw(20, w, ${memberSlots - ownerSlots})) end $$;
create function seeding.message_time(n bigint) returns timestamptz language sql immutable parallel safe as
$$ select to_timestamp(${trafficStart} + floor((n - 1) * ${trafficSeconds}::float8 / ${size.messages})) $$;
create function seeding.message_workspace(n bigint) returns bigint language sql immutable parallel safe as
$$ select case when n % ${size.heavyEvery} = 0 then 1 + seeding.draw(78, n, ${heavyWorkspaces})
  -- Squared: few workspaces send much, many send little.
  else ${heavyWorkspaces + 1} + seeding.draw(79, n, ${rest}) * seeding.draw(80, n, ${rest}) / ${rest} end $$;

create table seeding.name_parts (pool text, part text, i int, shown text, ascii text, primary key (pool, part, i));
insert into seeding.name_parts values ${names()};
create table seeding.named (n bigint primary key, name text, email text, phone text, without_phone boolean);
insert into seeding.named values ${named()};
`;
}

function accounts(scale: Scale): string {
  const size = scales[scale];
  const others = size.users - 1;
  const ownerSlots = Math.floor(others * 0.65);
  const memberSlots = Math.floor(others * 0.85);
  const sharedWorkspaces = Math.floor(size.workspaces / 4) - 1;
  return `
create table seeding.people as
select n, seeding.uuid('user', n) as id,
  case when d < 74 then 'indian' when d < 82 then 'devanagari' when d < 86 then 'arabic' when d < 94 then 'international' else 'indian' end as pool,
  d between 94 and 96 as common, d between 97 and 98 as single, d = 99 as titled,
  timestamptz '2022-01-01 00:00:00+00' + make_interval(secs => seeding.draw(10, n, 119000000)) as created
from (select n, seeding.draw(1, n, 100) as d from generate_series(1::bigint, ${size.users}) n) drawn;
alter table seeding.people add primary key (n);
analyze seeding.people;
-- Each person's parts of a name, as numbers into the pool.
create table seeding.pools as select pool, count(*) filter (where part = 'given') as given, count(*) filter (where part = 'family') as family
from seeding.name_parts group by 1;
analyze seeding.name_parts, seeding.pools, seeding.named;

insert into users (id, email, name, phone, password_hash, locale, created_at, last_login_at, closed_at)
select id,
  coalesce(named.email, case
    when e < 3 then given || '.' || family || '+' || (array['news', 'work', 'whatsapp', 'billing'])[1 + e % 4] || n || '@example.com'
    when e < 6 then initcap(given) || '.' || initcap(family) || n || '@Example.COM'
    when e < 8 then upper(given || family) || n || '@EXAMPLE.ORG'
    else given || (array['.', '_', '', '-'])[1 + seeding.draw(2, n, 4)] || family || n || '@' ||
      (array['example.com', 'example.com', 'example.org', 'example.net', 'mail.test', family || '-traders.test'])[1 + seeding.draw(3, n, 6)]
  end),
  coalesce(named.name, case
    when common then ${literal(commonName)}
    when single then given_shown
    when titled then (array['Dr. ', 'Smt. ', 'Shri ', 'Adv. '])[1 + n % 4] || given_shown || ' ' || family_shown
    else given_shown || ' ' || family_shown end),
  case when named.without_phone then null
    when named.phone is not null then named.phone
    when named.n is null and seeding.draw(4, n, 100) < 15 then null
    when pool = 'international' and seeding.draw(5, n, 2) = 0 then
      (array['+120255501', '+4477009001', '+6149157001'])[1 + seeding.draw(6, n, 3)] || lpad((n % 100)::text, 2, '0')
    else seeding.phone(n) end,
  '$argon2id$v=19$m=65536,t=3,p=4$' || substr(md5('salt' || id), 1, 22) || '$' || md5('hash' || id),
  case pool when 'devanagari' then 'hi-IN' when 'arabic' then 'ar-AE' when 'international' then 'en-GB' else 'en-IN' end,
  created, login, closed
from (
  select n, id, pool, common, single, titled, seeding.draw(7, n, 100) as e, created,
    case when seeding.draw(9, n, 100) < 5 then null else greatest(created, least(coalesce(closed, 'infinity'), seeding.ago(8, n, 200))) end as login,
    closed
  from (select *,
      -- Half of the closed accounts are past the thirty days the policy gives.
      case when n > 1 and seeding.draw(11, n, 100) < 3 then seeding.ago(12, n, 60) end as closed
    from seeding.people) timed
) person
left join seeding.named using (n)
join (select n, g.shown as given_shown, g.ascii as given from seeding.people join seeding.pools s using (pool)
  join seeding.name_parts g on g.pool = s.pool and g.part = 'given' and g.i = seeding.draw(13, n, s.given)) given_part using (n)
join (select n, f.shown as family_shown, f.ascii as family from seeding.people join seeding.pools s using (pool)
  join seeding.name_parts f on f.pool = s.pool and f.part = 'family' and f.i = seeding.draw(14, n, s.family)) family_part using (n)
order by n;
alter table seeding.people add email text, add name text;
update seeding.people p set email = u.email, name = u.name from users u where u.id = p.id;
analyze seeding.people;

insert into plans values
  ('free', 'Free', 30, 30, 1000), ('starter', 'Starter', 90, 120, 25000),
  ('growth', 'Growth', 180, 600, 250000), ('enterprise', 'Enterprise', 730, 3000, 5000000);

create table seeding.workspaces as
select w, seeding.uuid('workspace', w) as id, n as owner,
  -- Never before its owner came; all before the first message.
  greatest(timestamptz '2023-01-01 00:00:00+00' + make_interval(secs => seeding.draw(15, w, 91000000)), created + interval '10 minutes') as created
from generate_series(1::bigint, ${size.workspaces}) w join seeding.people on n = seeding.owner(w);
alter table seeding.workspaces add primary key (w);
analyze seeding.workspaces;

insert into workspaces (id, name, owner_id, plan_id, settings, created_at)
select w.id,
  case seeding.draw(16, w, 6) when 0 then p.name || '''s workspace' when 1 then p.name || ' Traders' when 2 then 'Team ' || w
    when 3 then 'स्टोर ' || w when 4 then 'Shop ' || w || ' 🛍️' else split_part(p.name, ' ', 1) || ' & Co.' end,
  p.id,
  case when w <= ${heavyWorkspaces} then 'enterprise' else (array['free', 'free', 'free', 'starter', 'starter', 'growth', 'enterprise'])[1 + seeding.draw(17, w, 7)] end,
  jsonb_build_object('timezone', 'Asia/Kolkata', 'replyTo', p.email, 'quietHours', seeding.draw(18, w, 2) = 1),
  w.created
from seeding.workspaces w join seeding.people p on p.n = w.owner order by w;

-- Every fourth workspace is shared: with somebody who owns none, and with up to three more. Some people belong to no workspace at all.
insert into workspace_members (workspace_id, user_id, role, joined_at)
select w.id, p.id, case when p.n = w.owner then 'owner' when bool_or(admin) then 'admin' else 'member' end,
  w.created + make_interval(days => case when p.n = w.owner then 0 else seeding.draw(19, w.w + p.n, 300)::int end)
from (
  select w, owner as n, false as admin from seeding.workspaces
  union all
  select w, case when k = 1 then seeding.colleague(w) else seeding.person(seeding.draw(21, w * 4 + k, ${memberSlots})) end, k = 1
  from seeding.workspaces, generate_series(1, 1 + seeding.draw(22, w, 4)) k where w % 4 = 0 and w > ${heavyWorkspaces}
  union all
  select 4 * (1 + seeding.draw(23, slot, ${sharedWorkspaces})), seeding.person(slot), false from generate_series(${ownerSlots}, ${memberSlots - 1}) slot
) m join seeding.workspaces w using (w) join seeding.people p using (n)
group by w.w, w.id, w.owner, w.created, p.n, p.id order by w.w, p.n;
`;
}

function workspaceRows(scale: Scale): string {
  const size = scales[scale];
  const heavyContacts = Math.min(5000, size.recipients);
  return `
insert into api_keys
select seeding.uuid('api key', w * 10 + k), w.id, case when seeding.draw(24, w * 10 + k, 10) < 9 then coalesce(second.id, p.id) end,
  'cs_live_' || substr(md5('prefix' || w.id || k), 1, 6), md5('secret' || w.id || k) || md5('hash' || w.id || k),
  w.created + interval '1 day', case when seeding.draw(25, w * 10 + k, 3) > 0 then seeding.ago(26, w * 10 + k, 60) end,
  case when seeding.draw(27, w * 10 + k, 8) = 0 then seeding.ago(28, w * 10 + k, 30) end
from seeding.workspaces w join seeding.people p on p.n = w.owner
cross join lateral generate_series(1, case when w <= ${heavyWorkspaces} then 2 else seeding.draw(29, w, 3) end) k
left join seeding.people second on second.n = seeding.colleague(w) and k = 2;

insert into campaigns
select seeding.campaign(w, k), w.id,
  -- By the owner, in shared workspaces also by somebody else, and now and then by nobody who is still known.
  case when seeding.draw(32, w * 10 + k, 20) = 0 then null else coalesce(second.id, p.id) end,
  (array['Diwali Sale 2026', 'Fee reminder', 'Wedding invitation: ' || p.name, 'Order updates', 'नया साल मुबारक 🎉', 'Feedback', 'Price list'])[1 + seeding.draw(33, w * 10 + k, 7)] || ' ' || k,
  'Hello {{name}}, this is ' || p.name || ' with an update.',
  state, case when state = 'scheduled' then timestamptz '${referenceTime}' + make_interval(days => 1 + k::int) else started - interval '2 hours' end,
  case when state in ('running', 'completed', 'cancelled') then started end,
  case when state = 'completed' then started + interval '40 minutes' end,
  case when state in ('completed', 'running') then jsonb_build_object('sent', sent, 'delivered', sent * 9 / 10, 'failed', sent / 50) else '{}' end
from seeding.workspaces w join seeding.people p on p.n = w.owner
cross join lateral generate_series(0, seeding.campaigns(w) - 1) k
cross join lateral (select (array['completed', 'completed', 'completed', 'completed', 'running', 'scheduled', 'draft', 'cancelled'])[1 + seeding.draw(34, w * 10 + k, 8)] as state,
  seeding.ago(35, w * 10 + k, 350) as started, seeding.draw(36, w * 10 + k, 900) + 10 as sent) made
left join seeding.people second on second.n = seeding.colleague(w) and k = 1;

insert into dashboard_sessions
select seeding.uuid('dashboard session', n * 10 + k), p.id, md5('token' || p.id || k) || md5('cookie' || p.id || k),
  ('203.0.113.' || seeding.draw(37, n * 10 + k, 256))::inet,
  (array['Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/155.0', 'Mozilla/5.0 (Linux; Android 16) Chrome/155.0 Mobile', 'Mozilla/5.0 (iPhone; CPU iPhone OS 19_0) Safari/605.1', 'Mozilla/5.0 (X11; Linux x86_64; rv:148.0) Firefox/148.0'])[1 + seeding.draw(38, n * 10 + k, 4)],
  started, started + make_interval(mins => minutes),
  -- The last one may still be open.
  case when k = 0 and seeding.draw(39, n, 3) = 0 then null else started + make_interval(mins => minutes + 1) end
from seeding.people p cross join lateral generate_series(0, case when n = 1 then 8 else seeding.draw(40, n, 4) end) k
cross join lateral (select seeding.ago(42, n * 10 + k, 20) - make_interval(days => (k * 25)::int) as started, seeding.draw(43, n * 10 + k, 90)::int as minutes) made;

insert into contacts
select seeding.uuid('contact', w * 10000 + k), w.id, seeding.phone(seeding.recipient_number(w, k)),
  case when seeding.draw(44, w * 10000 + k, 10) > 0 then q.name end,
  case seeding.draw(45, w * 10000 + k, 4) when 0 then '{}' when 1 then '{customer}' when 2 then '{customer,"repeat buyer"}' else '{lead,दिल्ली}' end::text[],
  w.created + make_interval(days => seeding.draw(46, w * 10000 + k, 20)::int)
from seeding.workspaces w cross join lateral generate_series(0, case when w <= ${heavyWorkspaces} then ${Math.floor(heavyContacts / 10)} else seeding.draw(47, w, 12) end) k
join seeding.people q on q.n = 1 + seeding.draw(48, w * 10000 + k, ${size.users});

insert into whatsapp_sessions
select seeding.uuid('whatsapp session', w * 10 + k), w.id, coalesce(u.phone, seeding.phone(50000000 + w)), state, 'wa-' || md5('session' || w.id || k),
  case when state <> 'pairing' then sha256(convert_to('auth' || w.id || k, 'UTF8')) end,
  case when state <> 'pairing' then w.created + interval '2 days' end,
  case when state in ('disconnected', 'logged_out') then seeding.ago(50, w * 10 + k, 90) end,
  seeding.ago(51, w * 10 + k, 3)
from seeding.workspaces w join seeding.people p on p.n = w.owner join users u on u.id = p.id
cross join lateral generate_series(0, seeding.sessions(w) - 1) k
cross join lateral (select (array['connected', 'connected', 'connected', 'disconnected', 'logged_out', 'pairing'])[1 + seeding.draw(49, w * 10 + k, 6)]::whatsapp_session_status as state) made;

insert into api_usage_daily
select w.id, date '2026-11-21' - day::int, endpoint, method, class, 1 + seeding.draw(52, w * 100 + day, 5000) / case class when 2 then 1 else 100 end
from seeding.workspaces w, generate_series(0, 13) day, (values ('/v1/messages', 'POST', 2), ('/v1/messages', 'POST', 4), ('/v1/contacts', 'GET', 2)) e(endpoint, method, class)
where w <= ${heavyWorkspaces} or seeding.draw(53, w, 1000) < ${size.apiWorkspaces};

-- Two workspaces in five have been billed; the law keeps those invoices.
insert into invoices
select seeding.uuid('invoice', w * 10 + k), w.id, 'CS/2026-27/' || lpad(w::text, 6, '0') || '-' || k, (seeding.draw(55, w * 10 + k, 90) + 10) * 10000 + 9900,
  p.name, p.email::text, case when seeding.draw(56, w, 2) = 0 then '99AAAAA' || lpad((w % 10000)::text, 4, '0') || 'A1Z' || w % 10 end,
  timestamptz '2026-11-01 04:30:00+00' - make_interval(months => k::int)
from seeding.workspaces w join seeding.people p on p.n = w.owner
cross join lateral generate_series(0, seeding.draw(54, w, 6)) k where w = 1 or (w > ${heavyWorkspaces} and seeding.draw(57, w, 5) < 2);

insert into policy_notices (user_id, policy_version, channel, sent_at)
select p.id, '2026-04-13', (array['email', 'platform'])[1 + seeding.draw(58, n, 2)]::notice_channel, timestamptz '2026-03-30 06:00:00+00' + make_interval(secs => n % 86400)
from seeding.people p where seeding.draw(59, n, 20) > 0 order by n;

insert into support_messages
select seeding.uuid('support message', i), case when i % 10 < 6 or i % 10 = 9 then p.id end,
  case when i % 10 < 6 then p.email when i % 10 = 6 then upper(p.email) when i % 10 = 7 then p.email when i % 10 = 8 then 'stranger' || i || '@example.net' else 'private' || i || '@example.org' end,
  (array['Cannot connect WhatsApp', 'Invoice copy', 'Please delete my data', 'Number changed', 'मदद चाहिए'])[1 + seeding.draw(60, i, 5)],
  'Namaste, this is ' || p.name || '. ' || (array['My session logs out every hour.', 'Please send the GST invoice again.', 'I want to close my account.', 'कृपया सहायता करें 🙏'])[1 + seeding.draw(61, i, 4)] || E'\\n' || p.email,
  seeding.ago(62, i, 400)
from generate_series(1, ${size.supportMessages}) i
-- The heaviest account has one of each kind.
join seeding.people p on p.n = case when i <= 9 then 1 else 1 + seeding.draw(63, i, ${size.users}) end;
`;
}

function traffic(scale: Scale): { readonly messages: string; readonly pageViews: string } {
  const size = scales[scale];
  const others = size.users - 1;
  const ownerSlots = Math.floor(others * 0.65);
  const rest = size.workspaces - heavyWorkspaces;
  return {
    messages: `
insert into messages
select n, seeding.uuid('workspace', w),
  case when campaign is not null then seeding.uuid('campaign', campaign) end,
  case when session is not null then seeding.uuid('whatsapp session', session) end,
  seeding.phone(recipient),
  (array['queued', 'sent', 'delivered', 'failed'])[state]::message_status,
  case when state <= 2 then 'नमस्ते! Your order ' || seeding.draw(74, n, 1000000) || ' is on its way. 🙏' end,
  created,
  case when state > 1 then created + make_interval(secs => 1 + seeding.draw(75, n, 20)) end,
  case when state = 3 then created + make_interval(secs => 30 + seeding.draw(76, n, 600)) end,
  case when state = 4 then created + make_interval(secs => 40) end,
  case when state = 4 then (array['131026', '131047', '130472'])[1 + seeding.draw(77, n, 3)] end
from (
  select n, w, created,
    case when campaigns > 0 and seeding.draw(70, n, 10) < 7 then w * 10 + seeding.draw(71, n, campaigns) end as campaign,
    case when sessions > 0 then w * 10 + seeding.draw(72, n, sessions) end as session,
    seeding.recipient_number(w, seeding.draw(73, n, case when w <= ${heavyWorkspaces} then ${Math.min(5000, size.recipients)} else 40 end)) as recipient,
    case when s < 880 then 3 when s < 940 then 2 when s < 985 then 4 else 1 end as state
  from (
    select *, seeding.campaigns(w) as campaigns, seeding.sessions(w) as sessions, seeding.draw(81, n, 1000) as s
    from (select n, seeding.message_workspace(n) as w, seeding.message_time(n) as created from generate_series(1, ${size.messages}) n offset 0) placed
    offset 0
  ) drawn
  -- Each step is computed once: without this the planner would put its expressions into every use.
  offset 0
) message;
select setval('messages_id_seq', ${size.messages});
`,
    pageViews: `
insert into page_views
select n, seeding.uuid('user', person),
  case when not member then seeding.uuid('workspace', w) end,
  (array['/dashboard', '/campaigns', '/campaigns/new', '/contacts', '/messages', '/settings/billing', '/settings/profile', '/sessions'])[1 + seeding.draw(91, n, 8)],
  (array[null, null, 'export_contacts', 'schedule_campaign', 'bulk_upload', 'search'])[1 + seeding.draw(92, n, 6)],
  to_timestamp(${trafficStart} + floor((n - 1) * ${trafficSeconds}::float8 / ${size.pageViews}))
from (
  select n, w, member, case when member then seeding.person(stranger) else seeding.owner(w) end as person
  from (select n, seeding.draw(93, n, 100) < 18 as member,
    -- Nobody's workspace: a visit of somebody who owns none.
    ${ownerSlots} + seeding.draw(90, n, ${others - ownerSlots}) as stranger,
    case when seeding.draw(94, n, 50) = 0 then 1 + seeding.draw(95, n, ${heavyWorkspaces})
      else ${heavyWorkspaces + 1} + seeding.draw(96, n, ${rest}) * seeding.draw(97, n, ${rest}) / ${rest} end as w
    from generate_series(1, ${size.pageViews}) n offset 0) drawn
  offset 0
) view;
select setval('page_views_id_seq', ${size.pageViews});
`,
  };
}

/** The files rows will name, the large one and the oddly named one included. */
function planFiles(seed: number, scale: Scale): readonly MediaBytes[] {
  const size = scales[scale];
  const rows = size.objects - plantedObjects.unnamed - plantedObjects.elsewhere + plantedObjects.gone;
  return Array.from({ length: rows }, (_, index) => {
    const number = index + 1;
    return {
      number,
      ...(number === size.heavyObjects + 1 ? largeMediaBytes(seed) : mediaBytes(seed, number)),
    };
  });
}

interface FileRow {
  readonly id: string;
  readonly workspace_id: string;
  readonly campaign_id: string | null;
  readonly message_id: string | null;
  readonly uploaded_by: string | null;
  readonly r2_key: string;
  readonly created_at: string;
}

/** What each file belongs to, in the order of its number; from the helpers alone, so that R2 can be filled beside the tables. */
function fileRows(scale: Scale, files: number): string {
  const size = scales[scale];
  return `
select file_id as id, workspace_id, campaign_id, message_id, r2_key, created_at,
  case when seeding.draw(100, i, 20) > 0 then seeding.uuid('user', coalesce(case when i % 2 = 0 then seeding.colleague(w) end, seeding.owner(w))) end as uploaded_by
from (
  select *, 'workspaces/' || workspace_id || '/' ||
    case when campaign_id is not null then 'campaigns/' || campaign_id else 'messages/' || to_char(created_at at time zone 'UTC', 'YYYY-MM') end || '/' ||
    case when i = ${size.heavyObjects + 2} then 'दीपावली शुभकामनाएँ 2026.png' else file_id::text end as r2_key
  from (
    select i, w, seeding.uuid('media file', i) as file_id, seeding.uuid('workspace', w) as workspace_id,
      case when in_campaign then seeding.campaign(w, seeding.draw(103, i, seeding.campaigns(w))) end as campaign_id,
      case when not in_campaign and not odd then n end as message_id, seeding.message_time(n) as created_at
    from (
      select i, n, w, odd, seeding.campaigns(w) > 0 and seeding.draw(102, i, 2) = 0 as in_campaign
      from (
        select i, n, i in (${size.heavyObjects + 1}, ${size.heavyObjects + 2}) as odd,
          -- The large file and the oddly named one: workspaces 5 and 6 have a single member each.
          case i when ${size.heavyObjects + 1} then 5 when ${size.heavyObjects + 2} then 6 else seeding.message_workspace(n) end as w
        from (select i, seeding.draw(104, i, ${size.messages / size.heavyEvery}) * ${size.heavyEvery}
          + case when i <= ${size.heavyObjects} then ${size.heavyEvery} else 1 end as n from generate_series(1, ${files}) i) drawn
      ) placed
    ) kind
  ) file
) keyed order by i`;
}

const insertFiles = `
insert into media_files (id, workspace_id, campaign_id, message_id, uploaded_by, r2_key, content_type, bytes, sha256, created_at)
select id, workspace_id, campaign_id, message_id, uploaded_by, r2_key, content_type, bytes, sha256, created_at
from jsonb_populate_recordset(null::media_files, $1::jsonb)`;

/** Keys no row names: below workspaces of all sizes, the heaviest account's first, and elsewhere in the bucket. */
const unnamedKeys = `
select 'workspaces/' || seeding.uuid('workspace', w) || '/campaigns/' || seeding.uuid('lost campaign', w) || '/' || seeding.uuid('lost file', w) as key
from generate_series(1, ${plantedObjects.unnamed}) w`;

const keysElsewhere = [
  'assets/2026/banner.png',
  'tmp/upload-0001.part',
  'assets/readme.txt',
  'workspaces/not-a-workspace/logo.png',
  'favicon.png',
] as const;

/** Puts the objects; the rows that name them are returned as JSON for `insertFiles`. */
async function fillObjects(
  server: SuperuserAccess,
  store: ObjectStore,
  seed: number,
  scale: Scale,
): Promise<string> {
  const files = planFiles(seed, scale);
  const [rows, lost] = await withSuperuser(server, platformDatabase, async ({ query }) => [
    (await query<FileRow>(fileRows(scale, files.length))).rows,
    (await query<{ key: string }>(unnamedKeys)).rows,
  ]);
  const described: object[] = [];
  const objects: StoredObject[] = [];
  files.forEach(({ contentType, bytes }, index) => {
    const row = rows[index];
    if (row === undefined) throw new Error(`Media file ${index + 1} has no row.`);
    described.push({ ...row, content_type: contentType, bytes: bytes.length, sha256: sha256(bytes) });
    if (index < files.length - plantedObjects.gone) objects.push({ key: row.r2_key, contentType, bytes });
  });
  [...lost.map(({ key }) => key), ...keysElsewhere].forEach((key, index) => {
    objects.push({ key, ...mediaBytes(seed, 1_000_000 + index) });
  });
  if (objects.length !== scales[scale].objects) throw new Error(`${objects.length} objects were planned.`);
  for (let at = 0; at < objects.length; at += 50) await store.put(objects.slice(at, at + 50));
  return JSON.stringify(described);
}

/** Runs the texts as the platform's owner, in one session. */
async function asOwner(server: SuperuserAccess, texts: readonly string[]): Promise<void> {
  await withSuperuser(server, platformDatabase, async ({ query }) => {
    await query(`set role ${platformOwner}`);
    await query(
      `set timezone = 'UTC'; set work_mem = '256MB'; set maintenance_work_mem = '512MB'; set jit = off`,
    );
    for (const text of texts) await query(text);
  });
}

/** Server settings that suit the filling; the rows don't depend on them. */
export function fillSettings(scale: Scale): Readonly<Record<string, string>> {
  return {
    wal_level: 'minimal',
    max_wal_senders: '0',
    max_wal_size: '8GB',
    // What is recycled would be copied at each start.
    wal_recycle: 'off',
    autovacuum: 'off',
    checkpoint_timeout: '1h',
    shared_buffers: scale === 'large' ? '1GB' : '256MB',
    max_parallel_maintenance_workers: '1',
  };
}

/** Makes the platform's database in an empty cluster and its objects in an empty bucket. */
export async function fillPlatform(
  server: SuperuserAccess,
  store: ObjectStore,
  { scale, seed }: { readonly scale: Scale; readonly seed: number },
): Promise<void> {
  if (!Number.isInteger(seed) || seed < 0 || seed > largestSeed) {
    throw new Error(`The seed is a whole number from 0 to ${largestSeed}.`);
  }
  await withSuperuser(server, 'postgres', async ({ query }) => {
    await query(`create role ${platformOwner} nologin`);
    await query(`create database ${platformDatabase} owner ${platformOwner}`);
  });
  await withSuperuser(server, platformDatabase, ({ query }) => query(platformExtensions));
  await asOwner(server, [platformTypes, helpers(seed, scale)]);
  const { messages, pageViews } = traffic(scale);
  // Three lanes for two cores; R2 mostly waits for the disk. With wal_level=minimal, rows loaded
  // into tables that the same transaction made are not written to the log as well.
  const [files] = await Promise.all([
    fillObjects(server, store, seed, scale),
    asOwner(server, [
      'begin', platformTables, accounts(scale), workspaceRows(scale), 'commit', platformKeys,
      'begin', pageViewsTable, pageViews, 'commit', pageViewsKeys,
    ]), // prettier-ignore
    asOwner(server, ['begin', messagesTable, messages, 'commit', messagesKeys]),
  ]);
  await withSuperuser(server, platformDatabase, async ({ query }) => {
    await query(insertFiles, [files]);
    await query(`set role ${platformOwner}`);
    await query(platformForeignKeys);
    await query('drop schema seeding cascade');
    await query('reset role');
    await query('vacuum (analyze)');
    await query('checkpoint');
  });
}

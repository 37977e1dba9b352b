import { definer, step } from '../pins.ts';

/** Roles that decide about others' work, or make those who do. */
const deciding = "array['approver', 'admin']";

/** How an approval is refused in a session that may have been found open. */
export const stale = `'not_permitted', 'An approval needs a session that has just authenticated; give your password again and approve at once.'`;

/** Installation, settings, staff, subjects and the audit trail; run as the trail's owner. */
export const trail = `
create table privacy_console.installation (
  one boolean primary key default true check (one),
  id uuid not null default gen_random_uuid(),
  -- Keys the hashes that stand for erased people; never leaves the database.
  secret bytea not null default decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex'),
  installed_at timestamptz not null default clock_timestamp(),
  -- The server it is on: another one knows its roles by other numbers.
  system text not null default (pg_control_system()).system_identifier::text,
  -- Of the profile it was installed with; told by the first install.
  environment text check (environment in ('production', 'staging', 'demo'))
);
insert into privacy_console.installation default values;

create table privacy_console.migration (
  version int primary key,
  name text not null,
  sha256 text not null,
  applied_at timestamptz not null default clock_timestamp(),
  applied_by text not null default session_user
);

create table privacy_console.data_map (
  hash text primary key,
  text text not null,
  -- What the window needs to know of the map, made by the compiler.
  described jsonb not null,
  installed_at timestamptz not null default clock_timestamp(),
  current boolean not null
);
create unique index data_map_current on privacy_console.data_map (current) where current;

create table privacy_console.mapped_column (
  collection text not null,
  schema_name text not null,
  table_name text not null,
  column_name text not null,
  type text not null,
  masked boolean not null,
  never boolean not null,
  primary key (collection, column_name)
);
-- The tables of mapped_column, once each: the gate goes through them at every call, by what needs no look into pg_class.
create table privacy_console.mapped_table (
  schema_name text,
  table_name text,
  relation regclass not null unique,
  primary key (schema_name, table_name)
);
-- The kinds of people the map is about. One that is told by a value (a phone number) has no table of its own.
create table privacy_console.subject_kind (
  kind text primary key,
  title text not null,
  -- Said wherever such a person is shown, when somebody else than us decides about the data.
  controller text,
  by_value boolean not null
);
create table privacy_console.kind_collection (kind text, collection text, primary key (kind, collection));
-- What a deletion asks of people, as the map names it.
create table privacy_console.map_task (
  kind text, name text, title text not null, owner text not null, moment text not null check (moment in ('before', 'after')), primary key (kind, name)
);
create table privacy_console.ignored_table (schema_name text, table_name text, reason text not null, primary key (schema_name, table_name));

create table privacy_console.setting (name text primary key, value int not null);
insert into privacy_console.setting values
  ('searches_per_hour', 240), ('people_per_hour', 60), ('reveals_per_hour', 240),
  ('access_minutes', 60), ('answer_days', 30), ('approval_minutes', 240),
  -- How old the session may be in which somebody approves.
  ('approving_seconds', 60),
  -- Rows and objects of a deletion above which two people approve.
  ('two_approvers_above', 100000),
  -- Deletions wait while a replica is further behind, or a transaction has been open for longer.
  ('replica_lag_megabytes', 512), ('long_transaction_minutes', 30),
  -- How long a package may lie on the computer it was made on.
  ('copy_days', 30),
  -- How long a backup or snapshot of the platform's database and bucket is kept; as the platform's operators say.
  ('backup_days', 35);

create table privacy_console.staff (
  id bigint generated always as identity primary key,
  login text not null,
  login_oid oid not null unique,
  person text not null,
  roles text[] not null,
  active boolean not null default true,
  added_at timestamptz not null default clock_timestamp(),
  removed_at timestamptz,
  -- Whether it has ever held a role that decides; stays true when the role has gone.
  ever_decided boolean not null default false
);
create unique index staff_person on privacy_console.staff (lower(person)) where active;

-- Who is to get a role that decides, until another person has said so.
create table privacy_console.staff_change (
  id bigint generated always as identity primary key,
  login text not null,
  login_oid oid not null,
  person text not null,
  roles text[] not null,
  staff bigint not null references privacy_console.staff,
  proposed_at timestamptz not null default clock_timestamp(),
  state text not null default 'asked' check (state in ('asked', 'approved', 'denied', 'superseded')),
  decided_by bigint references privacy_console.staff,
  decided_at timestamptz,
  entry bigint not null
);

create table privacy_console.subject (
  reference text primary key,
  kind text not null,
  key text,
  -- HMAC-like keyed hash of the key, kept when the key itself has been erased.
  key_hash bytea not null,
  erased_at timestamptz
);
create unique index subject_key on privacy_console.subject (key, kind) where key is not null;

-- Locked, never updated: an updated row slows to a third behind one old snapshot.
create table privacy_console.latch (one boolean primary key default true check (one));
insert into privacy_console.latch default values;

create table privacy_console.entry (
  number bigint primary key,
  at timestamptz not null,
  actor text not null,
  workstation text not null,
  client text not null,
  action text not null,
  subject text,
  request bigint,
  outcome text not null check (outcome in ('intent', 'done', 'refused', 'failed')),
  intent bigint,
  commitment bytea,
  bytes bytea not null,
  chain bytea not null
);
create index entry_at on privacy_console.entry (at);
create index entry_actor on privacy_console.entry (actor, number);
create index entry_action on privacy_console.entry (action, number);
create index entry_subject on privacy_console.entry (subject, number) where subject is not null;
create index entry_request on privacy_console.entry (request, number) where request is not null;
create index entry_intent on privacy_console.entry (intent) where intent is not null;

-- What an entry commits to; may be erased without breaking the chain. Written by append alone, beside its entry:
-- a foreign key would lock and look up at every entry what was inserted a line before.
create table privacy_console.detail (
  entry bigint primary key,
  salt bytea not null,
  text text not null
);

${step(
  'canonical(p_number bigint, p_at timestamptz, p_actor text, p_workstation text, p_client text, p_action text, p_subject text, p_request bigint, p_outcome text, p_intent bigint, p_commitment bytea)',
  'bytea',
  `  return convert_to(
    '{"action":' || to_json(p_action)::text
    || ',"actor":' || to_json(p_actor)::text
    || ',"at":"' || to_char(p_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '"'
    || ',"client":' || to_json(p_client)::text
    || ',"detail":' || coalesce('"' || encode(p_commitment, 'hex') || '"', 'null')
    || ',"intent":' || coalesce(p_intent::text, 'null')
    || ',"number":' || p_number::text
    || ',"outcome":' || to_json(p_outcome)::text
    || ',"request":' || coalesce(p_request::text, 'null')
    || ',"subject":' || coalesce(to_json(p_subject)::text, 'null')
    || ',"workstation":' || to_json(p_workstation)::text
    || '}', 'UTF8');`,
)}
${step(
  'append(p_action text, p_subject text, p_request bigint, p_outcome text, p_intent bigint, p_detail text)',
  'bigint',
  `  -- Durable before anything is told; a prepared transaction can't hold the latch (notify forbids it);
  -- a transaction left open is ended.
  perform set_config('synchronous_commit', 'on', true), set_config('idle_in_transaction_session_timeout', '5s', true);
  perform 1 from privacy_console.latch for update skip locked;
  if not found then
    begin
      perform 1 from privacy_console.latch for update;
    exception when lock_not_available then
      -- Somebody sits on the latch; who does so idly is put out, once.
      if privacy_console.reap() = 0 then raise; end if;
      perform 1 from privacy_console.latch for update;
    end;
  end if;
  select e.number, e.chain into v_last, v_chain from privacy_console.entry e order by e.number desc limit 1;
  v_number := coalesce(v_last, 0) + 1;
  v_at := clock_timestamp();
  if p_detail is not null then
    v_salt := decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex');
    v_commitment := sha256(v_salt || convert_to(p_detail, 'UTF8'));
  end if;
  v_workstation := left(regexp_replace(current_setting('application_name'), '[^ -~]', '', 'g'), 80);
  v_client := coalesce(host(inet_client_addr()), '');
  v_bytes := privacy_console.canonical(v_number, v_at, session_user::text, v_workstation, v_client, p_action, p_subject, p_request, p_outcome, p_intent, v_commitment);
  insert into privacy_console.entry
    (number, at, actor, workstation, client, action, subject, request, outcome, intent, commitment, bytes, chain)
  values
    (v_number, v_at, session_user::text, v_workstation, v_client, p_action, p_subject, p_request, p_outcome, p_intent, v_commitment, v_bytes,
     sha256(coalesce(v_chain, ''::bytea) || sha256('\\x00'::bytea || v_bytes)));
  if p_detail is not null then
    insert into privacy_console.detail (entry, salt, text) values (v_number, v_salt, p_detail);
  end if;
  perform pg_notify('privacy_console_trail', v_number::text);
  return v_number;`,
  {
    declare: `  v_last bigint; v_chain bytea; v_number bigint; v_at timestamptz; v_salt bytea; v_commitment bytea;
  v_workstation text; v_client text; v_bytes bytea;`,
  },
)}
${step(
  'receipt(p_number bigint)',
  'jsonb',
  `  return (select jsonb_build_object('entry', e.number, 'chain', encode(e.chain, 'hex')) from privacy_console.entry e where e.number = p_number);`,
)}
${step(
  'only_write()',
  'void',
  `  -- One effect a transaction: two would take locks in opposite orders, and a savepoint could undo one of them.
  if pg_current_xact_id_if_assigned() is not null then
    raise exception 'This transaction has already written; each step of the console is a transaction of its own.' using errcode = 'PC003';
  end if;
  if pg_is_in_recovery() then
    raise exception 'This is a standby; connect to the primary.' using errcode = 'PC008';
  end if;`,
)}
${step(
  'setting_of(p_name text)',
  'int',
  `  return (select s.value from privacy_console.setting s where s.name = p_name);`,
)}
${step(
  'caller(p_roles text[])',
  'bigint',
  `  select s.id into v_staff from privacy_console.staff s
    where s.login_oid = to_regrole(quote_ident(session_user))::oid and s.login = session_user::text
      and s.active and s.roles && p_roles;
  if v_staff is null then
    raise exception 'This login is not registered as staff with the rights this needs; ask an administrator.' using errcode = 'PC002';
  end if;
  return v_staff;`,
  { declare: '  v_staff bigint;' },
)}
${step(
  'holds_role(p_role text)',
  'boolean',
  `  return exists (select from privacy_console.staff s
    where s.login_oid = to_regrole(quote_ident(session_user))::oid and s.login = session_user::text
      and s.active and p_role = any (s.roles));`,
)}
${step(
  'person_of(p_staff bigint)',
  'text',
  `  return (select lower(s.person) from privacy_console.staff s where s.id = p_staff);`,
)}
${step(
  'has_just_authenticated()',
  'boolean',
  `  -- Approvals are given in a session that has proved who it is for them, not in one found open. Unknown is no.
  return coalesce(privacy_console.session_began() > clock_timestamp() - make_interval(secs => privacy_console.setting_of('approving_seconds')), false);`,
)}
${step(
  'spend(p_staff bigint, p_kind text, p_setting text, p_tokens int default 1, p_seconds int default 3600)',
  'boolean',
  `  -- So many at once at most, and as many again within so many seconds.
  v_cap := privacy_console.setting_of(p_setting);
  insert into privacy_console.budget (staff, kind, tokens, refreshed_at) values (p_staff, p_kind, v_cap, clock_timestamp())
    on conflict (staff, kind) do nothing;
  update privacy_console.budget b
    set tokens = least(v_cap, b.tokens + extract(epoch from clock_timestamp() - b.refreshed_at)::float8 * v_cap / p_seconds) - p_tokens,
        refreshed_at = clock_timestamp()
    where b.staff = p_staff and b.kind = p_kind
      and least(v_cap, b.tokens + extract(epoch from clock_timestamp() - b.refreshed_at)::float8 * v_cap / p_seconds) >= p_tokens;
  return found;`,
  { declare: '  v_cap int;' },
)}
-- One row for each person of staff and kind of look-up: counting past entries instead lets parallel sessions through.
create table privacy_console.budget (
  staff bigint not null references privacy_console.staff,
  kind text not null,
  tokens float8 not null,
  refreshed_at timestamptz not null,
  primary key (staff, kind)
);
${step(
  'refused(p_action text, p_subject text, p_request bigint, p_code text, p_says text)',
  'jsonb',
  `  return jsonb_build_object('ok', false, 'code', p_code, 'says', p_says)
    || privacy_console.receipt(privacy_console.append(p_action, p_subject, p_request, 'refused', null, p_says));`,
)}
${definer(
  'sign_in()',
  'jsonb',
  `  perform privacy_console.only_write();
  v_staff := privacy_console.caller(array['viewer', 'operator', 'approver', 'auditor', 'admin']);
  perform privacy_console.forget_corrections(null);
  perform privacy_console.forget_batches();
  return jsonb_build_object('ok', true, 'identity', (select i.id from privacy_console.installation i),
      'version', (select max(m.version) from privacy_console.migration m),
      'mapHash', (select d.hash from privacy_console.data_map d where d.current))
    || (select jsonb_build_object('login', s.login, 'person', s.person, 'roles', to_jsonb(s.roles)) from privacy_console.staff s where s.id = v_staff)
    || privacy_console.receipt(privacy_console.append('staff.signed_in', null, null, 'done', null, null));`,
  { declare: '  v_staff bigint;' },
)}
${definer(
  'staff_list()',
  'table (login text, person text, roles text[], active boolean, added_at timestamptz)',
  `  perform privacy_console.caller(array['viewer', 'operator', 'approver', 'auditor', 'admin']);
  return query select s.login, s.person, s.roles, s.active, s.added_at from privacy_console.staff s order by s.active desc, s.login;`,
)}
${step(
  'refuse_staff(p_login text, p_oid oid, p_person text)',
  'void',
  `  select r.rolsuper or r.rolbypassrls or r.rolreplication into v_special from pg_roles r where r.oid = p_oid and r.rolname = p_login and r.rolcanlogin;
  if v_special is null then
    raise exception 'There is no login role of that name; create it first.' using errcode = 'PC005';
  end if;
  if v_special then
    raise exception 'This login has special rights that would pass the guard; use one without.' using errcode = 'PC007';
  end if;
  if exists (select from privacy_console.staff s where lower(s.person) = lower(p_person) and s.active and s.login_oid <> p_oid) then
    raise exception 'This person already has a login; one person has one login.' using errcode = 'PC006';
  end if;
  if exists (select from privacy_console.staff s where s.login_oid = p_oid and lower(s.person) <> lower(p_person)) then
    raise exception 'This login belongs to another person; make a new login.' using errcode = 'PC006';
  end if;
  -- The trail names logins: a name that was one person's is never another's.
  if exists (select from privacy_console.staff s where s.login = p_login and lower(s.person) <> lower(p_person)) then
    raise exception 'A login of that name was another person''s; choose another name.' using errcode = 'PC006';
  end if;`,
  { declare: '  v_special boolean;' },
)}
${step(
  'enrol(p_login text, p_oid oid, p_person text, p_roles text[])',
  'void',
  `  perform privacy_console.refuse_staff(p_login, p_oid, p_person);
  insert into privacy_console.staff (login, login_oid, person, roles, ever_decided) values (p_login, p_oid, p_person, p_roles, p_roles && ${deciding})
    on conflict (login_oid) do update set login = excluded.login, roles = excluded.roles, active = true, removed_at = null,
      ever_decided = privacy_console.staff.ever_decided or excluded.ever_decided;`,
)}
${definer(
  'register_staff(p_login text, p_person text, p_roles text[])',
  'jsonb',
  `  perform privacy_console.only_write();
  v_staff := privacy_console.caller(array['admin']);
  -- Persons are compared, so one name may not pass as two by a space or a letter's form.
  v_person := regexp_replace(btrim(case getdatabaseencoding() when 'UTF8' then normalize(p_person, NFKC) else p_person end), '[[:space:]]+', ' ', 'g');
  if v_person is null or v_person = '' then
    raise exception 'Say whose login this is.' using errcode = 'PC004';
  end if;
  select r.oid into v_oid from pg_roles r where r.rolname = p_login;
  -- Who decides about others' work, or makes those who do, is made so by two people: from the first time that there are
  -- two, and for good, so that nobody removes the others first.
  if exists (select unnest(p_roles) intersect select unnest(${deciding})
      except select unnest(s.roles) from privacy_console.staff s where s.login_oid = v_oid and s.active)
    and exists (select from privacy_console.staff s where (s.ever_decided or s.roles && ${deciding})
      and lower(s.person) not in (privacy_console.person_of(v_staff), lower(v_person))) then
    perform privacy_console.refuse_staff(p_login, v_oid, v_person);
    update privacy_console.staff_change c set state = 'superseded' where c.login_oid = v_oid and c.state = 'asked';
    v_entry := privacy_console.append('staff.proposed', null, null, 'done', null, json_build_object('login', p_login, 'roles', p_roles)::text);
    insert into privacy_console.staff_change (login, login_oid, person, roles, staff, entry) values (p_login, v_oid, v_person, p_roles, v_staff, v_entry)
      returning id into v_id;
    return jsonb_build_object('ok', true, 'change', v_id) || privacy_console.receipt(v_entry);
  end if;
  perform privacy_console.enrol(p_login, v_oid, v_person, p_roles);
  return jsonb_build_object('ok', true, 'change', null) || privacy_console.receipt(privacy_console.append('staff.added', null, null, 'done', null,
    json_build_object('login', p_login, 'roles', p_roles)::text));`,
  { declare: '  v_staff bigint; v_oid oid; v_person text; v_entry bigint; v_id bigint;' },
)}
${definer(
  'decide_staff(p_change bigint, p_decision text)',
  'jsonb',
  `  perform privacy_console.only_write();
  v_staff := privacy_console.caller(${deciding});
  v_action := case p_decision when 'approve' then 'staff.added' when 'deny' then 'staff.denied' end;
  if v_action is null then
    raise exception 'Say approve or deny.' using errcode = 'PC004';
  end if;
  select c.* into v_change from privacy_console.staff_change c where c.id = p_change for update;
  if v_change.id is null then
    raise exception 'There is no change % of the staff.', p_change using errcode = 'PC005';
  end if;
  if privacy_console.person_of(v_staff) in (privacy_console.person_of(v_change.staff), lower(v_change.person)) then
    return privacy_console.refused(v_action, null, null, 'not_permitted', 'Nobody decides about rights they have proposed or would get; another person has to.');
  elsif p_decision = 'approve' and not privacy_console.has_just_authenticated() then
    return privacy_console.refused(v_action, null, null, ${stale});
  elsif v_change.state <> 'asked' or v_change.proposed_at < clock_timestamp() - make_interval(mins => privacy_console.setting_of('approval_minutes')) then
    return privacy_console.refused(v_action, null, null, 'conflict', 'This change is not waiting for a decision any more; have it proposed again.');
  elsif p_decision = 'approve' and not exists (select from privacy_console.staff s where s.id = v_change.staff and s.active and 'admin' = any (s.roles)) then
    return privacy_console.refused(v_action, null, null, 'conflict', 'Who proposed this is no administrator any more; have it proposed again.');
  end if;
  if p_decision = 'approve' then
    perform privacy_console.enrol(v_change.login, v_change.login_oid, v_change.person, v_change.roles);
  end if;
  update privacy_console.staff_change c set state = case p_decision when 'approve' then 'approved' else 'denied' end, decided_by = v_staff, decided_at = clock_timestamp()
    where c.id = p_change;
  return jsonb_build_object('ok', true) || privacy_console.receipt(privacy_console.append(v_action, null, null, 'done', v_change.entry,
    json_build_object('login', v_change.login, 'roles', v_change.roles)::text));`,
  { declare: '  v_staff bigint; v_change privacy_console.staff_change; v_action text;' },
)}
${step(
  'know_staff_anew()',
  'void',
  `  -- Staff are known by the numbers of their logins. Restored into another server they are known by the names once more, and
  -- what was open to a number is closed; on the server where it was installed a login made anew is nobody.
  select i.system, (pg_control_system()).system_identifier::text into v_before, v_now from privacy_console.installation i for update;
  if v_before = v_now then
    return;
  end if;
  update privacy_console.installation i set system = v_now;
  update privacy_console.access a set closed_at = clock_timestamp() where a.closed_at is null;
  update privacy_console.search s set run_at = clock_timestamp() where s.run_at is null;
  update privacy_console.reveal r set shown_at = clock_timestamp() where r.shown_at is null;
  update privacy_console.staff_change c set state = 'superseded' where c.state = 'asked';
  -- Numbers no role has, so that none is somebody else's by chance.
  update privacy_console.staff s set login_oid = (4294967295 - s.id)::oid;
  update privacy_console.staff s set login_oid = r.oid from pg_roles r
    where s.active and r.rolname = s.login and r.rolcanlogin and not (r.rolsuper or r.rolbypassrls or r.rolreplication);
  get diagnostics v_known = row_count;
  update privacy_console.staff s set active = false, removed_at = clock_timestamp() where s.active and s.login_oid = (4294967295 - s.id)::oid;
  get diagnostics v_gone = row_count;
  perform privacy_console.append('staff.known_anew', null, null, 'done', null, json_build_object('known', v_known, 'removed', v_gone)::text);`,
  { declare: '  v_before text; v_now text; v_known bigint; v_gone bigint;' },
)}
${definer(
  'staff_changes()',
  'table (id bigint, login text, person text, roles text[], proposed_by text, proposed_at timestamptz, state text, decided_by text, decided_at timestamptz)',
  `  perform privacy_console.caller(array['viewer', 'operator', 'approver', 'auditor', 'admin']);
  return query select c.id, c.login, c.person, c.roles, p.login, c.proposed_at,
      case when c.state = 'asked' and c.proposed_at < clock_timestamp() - make_interval(mins => privacy_console.setting_of('approval_minutes')) then 'expired' else c.state end,
      d.login, c.decided_at
    from privacy_console.staff_change c join privacy_console.staff p on p.id = c.staff left join privacy_console.staff d on d.id = c.decided_by
    order by c.id desc limit 200;`,
)}
${definer(
  'unregister_staff(p_login text)',
  'jsonb',
  `  perform privacy_console.only_write();
  v_staff := privacy_console.caller(array['admin']);
  update privacy_console.staff s set active = false, removed_at = clock_timestamp() where s.login = p_login and s.active;
  if not found then
    raise exception 'No active member of staff has that login.' using errcode = 'PC005';
  end if;
  update privacy_console.access a set closed_at = clock_timestamp()
    from privacy_console.staff s where s.login = p_login and a.staff = s.id and a.closed_at is null;
  v_entry := privacy_console.append('staff.removed', null, null, 'done', null, json_build_object('login', p_login)::text);
  -- Who can't make packages any more has no key that could sign them.
  update privacy_console.signing_key k set retired_at = clock_timestamp(), retired_by = v_staff, retirement = v_entry
    from privacy_console.staff s where s.login = p_login and k.staff = s.id and k.retired_at is null;
  return jsonb_build_object('ok', true) || privacy_console.receipt(v_entry);`,
  { declare: '  v_staff bigint; v_entry bigint;' },
)}
${definer(
  'current_map()',
  'table (hash text, described jsonb)',
  `  perform privacy_console.caller(array['viewer', 'operator', 'approver', 'auditor', 'admin']);
  return query select d.hash, d.described from privacy_console.data_map d where d.current;`,
)}
${definer(
  'installed_map()',
  'table (hash text, text text, compiled jsonb)',
  `  -- What a check holds against the database: the map itself, and the types its functions were compiled for.
  perform privacy_console.caller(array['viewer', 'operator', 'approver', 'auditor', 'admin']);
  return query select d.hash, d.text,
      (select coalesce(jsonb_agg(jsonb_build_array(m.schema_name, m.table_name, m.column_name, m.type)), '[]') from privacy_console.mapped_column m)
    from privacy_console.data_map d where d.current;`,
)}
${step(
  'is_part_of_mapped(p_table oid)',
  'boolean',
  `  -- A partition or a child, whose rows are read and erased with the mapped table above it.
  return exists (
    with recursive above (oid) as (
      select h.inhparent from pg_inherits h where h.inhrelid = p_table
      union select h.inhparent from above a join pg_inherits h on h.inhrelid = a.oid)
    select from above a join privacy_console.mapped_table m on m.relation = a.oid);`,
)}
${step(
  'unknown_prefixes()',
  'table (name text)',
  `  -- What the last check of the bucket found that no row names, and what consoles have seen come since.
  return query select u.name from (
      select unnest(b.unknown) from (select b.unknown from privacy_console.bucket_check b where b.outcome = 'done' order by b.id desc limit 1) b
      union select b.name from privacy_console.bucket_beginning b where not b.named) u(name)
    where not exists (select from privacy_console.ignored_table i where i.schema_name = '' and i.table_name = u.name);`,
)}
${definer(
  'map_gaps()',
  'table (what text, detail text)',
  `  perform privacy_console.caller(array['viewer', 'operator', 'approver', 'auditor', 'admin']);
  return query
    -- Of every schema: a person's rows can lie where nobody has looked yet.
    select 'unmapped table'::text, format('%I.%I', n.nspname, c.relname)
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'p', 'f') and not c.relispartition and c.relpersistence <> 't'
        and n.nspname not like 'pg\\_%' and n.nspname not in ('information_schema', 'privacy_console')
        and not exists (select from privacy_console.mapped_table m where m.schema_name = n.nspname and m.table_name = c.relname)
        and not privacy_console.is_part_of_mapped(c.oid)
        and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
        and not exists (select from privacy_console.ignored_table i where i.schema_name = n.nspname and i.table_name = c.relname)
    union all
    select 'unmapped column', format('%I.%I.%I', n.nspname, c.relname, a.attname)
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
      join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      where exists (select from privacy_console.mapped_column m where m.schema_name = n.nspname and m.table_name = c.relname)
        and not exists (select from privacy_console.mapped_column m where m.schema_name = n.nspname and m.table_name = c.relname and m.column_name = a.attname)
    union all
    -- A child's own columns are not read with its parent.
    select 'unmapped column', format('%I.%I.%I', n.nspname, c.relname, a.attname)
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
      join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attislocal and a.attinhcount = 0
      where not c.relispartition and privacy_console.is_part_of_mapped(c.oid)
        and not exists (select from privacy_console.mapped_table m where m.relation = c.oid)
        and not exists (select from privacy_console.ignored_table i where i.schema_name = n.nspname and i.table_name = c.relname)
    union all
    select 'unknown prefix', u.name from privacy_console.unknown_prefixes() u
    union all
    select 'mapped but gone', format('%I.%I.%I', m.schema_name, m.table_name, m.column_name)
      from privacy_console.mapped_column m
      where not exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace
        join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        where n.nspname = m.schema_name and c.relname = m.table_name and a.attname = m.column_name)
    union all
    select 'type changed', format('%I.%I.%I', m.schema_name, m.table_name, m.column_name)
      from privacy_console.mapped_column m
      join pg_namespace n on n.nspname = m.schema_name join pg_class c on c.relnamespace = n.oid and c.relname = m.table_name
      join pg_attribute a on a.attrelid = c.oid and a.attname = m.column_name and not a.attisdropped
      join pg_type t on t.oid = a.atttypid join pg_namespace tn on tn.oid = t.typnamespace
      where m.type <> case when tn.nspname = 'pg_catalog' then format_type(a.atttypid, null) else tn.nspname || '.' || t.typname end;`,
)}
${step(
  'refuse_where_unsafe()',
  'void',
  `  if pg_is_in_recovery() then
    raise exception 'This is a standby; connect to the primary.' using errcode = 'PC008';
  end if;
  -- Schemas our code names: the platform's, and those of the extensions whose types and operators it uses.
  select string_agg(n.nspname, ', ') into v_schemas from pg_namespace n
    where has_schema_privilege(session_user, n.oid, 'CREATE')
      and (n.nspname in (select m.schema_name from privacy_console.mapped_table m) or n.oid in (select e.extnamespace from pg_extension e));
  if v_schemas is not null then
    raise exception 'Staff may create objects in the schema %; revoke create on it from public and staff, then try again.', v_schemas using errcode = 'PC008';
  end if;
  select string_agg(m.relation::text, ', ') filter (where row_security_active(m.relation)),
      string_agg(m.table_name, ', ') filter (where m.relation::text <> format('%I.%I', m.schema_name, m.table_name))
    into v_tables, v_replaced from privacy_console.mapped_table m;
  if v_replaced is not null then
    raise exception 'The map was installed for another table than the one now named %; let an administrator check the map and install it again.', v_replaced using errcode = 'PC010';
  end if;
  if v_tables is not null then
    raise exception 'Row-level security on % would hide rows from the console; let an administrator settle that first.', v_tables using errcode = 'PC008';
  end if;`,
  { declare: '  v_schemas text; v_tables text; v_replaced text;' },
)}
${step(
  'refuse_bypass()',
  'void',
  `  -- Whoever can read the platform's tables beside the guard, by a grant to public or to a role this login can become,
  -- is not served: what they read would not be in the trail.
  v_roles := array(select r.oid from pg_roles r where pg_has_role(session_user, r.oid, 'MEMBER'));
  select string_agg(m.relation::text, ', ') into v_tables from privacy_console.mapped_table m
    where exists (select from unnest(v_roles) r(oid)
      where has_any_column_privilege(r.oid, m.relation, 'SELECT, INSERT, UPDATE') or has_table_privilege(r.oid, m.relation, 'DELETE'));
  if v_tables is not null then
    raise exception 'This login can reach % outside the console; take that right from it, its roles or public, then try again.', v_tables using errcode = 'PC008';
  end if;`,
  { declare: '  v_tables text; v_roles oid[];' },
)}
`;

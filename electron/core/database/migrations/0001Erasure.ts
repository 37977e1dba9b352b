import { definer, step } from '../pins.ts';
import { stale } from './0001Trail.ts';

/** How long a deletion waits in production, called off at a word, before anything goes; elsewhere not at all. */
const graceMinutes = 24 * 60;

/**
 * Erasure: a plan frozen before approval, approved by another person, run in
 * journalled batches, looked at again, certified. What touches the platform's
 * rows is generated from the data map (`erase_rows`, `rows_to_erase`, …) and
 * belongs to other owners. Run as the trail's owner.
 */
export const erasing = `
create table privacy_console.plan (
  id bigint generated always as identity primary key,
  request bigint not null references privacy_console.request,
  subject text not null references privacy_console.subject,
  staff bigint not null references privacy_console.staff,
  state text not null default 'draft' check (state in ('draft', 'awaiting', 'approved', 'denied', 'running', 'done', 'expired')),
  made_at timestamptz not null default clock_timestamp(),
  map_hash text not null,
  -- The keys of the rows that other rows hang on, frozen: {"workspaces.id": [...]}; emptied when the run has ended.
  scope jsonb not null,
  -- Whether the scope has been read: in a transaction after the one that announced the draft.
  filled boolean not null default false,
  -- What an unfinished deletion of the person was still after; goes from plan to plan until one has ended.
  carried jsonb not null,
  salt bytea not null,
  bytes bytea,
  sha256 text,
  entry bigint not null references privacy_console.entry
);
create index plan_request on privacy_console.plan (request);
create index plan_subject on privacy_console.plan (subject);

create table privacy_console.plan_decision (
  plan bigint not null references privacy_console.plan,
  key text not null,
  collection text not null,
  row_key text,
  about text not null,
  successor text,
  -- Whether the map says how it is anonymised.
  anonymises boolean not null default false,
  chosen text check (chosen in ('hand_over', 'close', 'anonymise')),
  primary key (plan, key)
);

create table privacy_console.plan_line (
  plan bigint not null references privacy_console.plan,
  step int not null,
  collection text not null,
  action text not null check (action in ('quiesce', 'hand_over', 'anonymise_shared', 'objects', 'detach', 'delete', 'anonymise', 'keep')),
  planned bigint not null,
  because text,
  until timestamptz,
  primary key (plan, step)
);

-- What people have to do by hand: before anything goes, or before it counts as done.
create table privacy_console.plan_task (
  plan bigint not null references privacy_console.plan,
  name text not null,
  title text not null,
  owner text not null,
  moment text not null,
  done_by bigint references privacy_console.staff,
  done_at timestamptz,
  -- The entry that commits to the evidence.
  entry bigint,
  primary key (plan, name)
);

create table privacy_console.plan_object (
  plan bigint not null references privacy_console.plan,
  number bigint not null,
  key text,
  bytes bigint not null,
  state text not null default 'planned' check (state in ('planned', 'deleted', 'failed')),
  -- Came while the plan was run, so it is no part of the approved bytes.
  late boolean not null default false,
  primary key (plan, number)
);
create index plan_object_open on privacy_console.plan_object (plan, number) where state <> 'deleted';

-- Which objects an entry announced: only those have a result under it. Two consoles may announce the same ones.
create table privacy_console.plan_announcement (
  intent bigint not null,
  plan bigint not null references privacy_console.plan,
  number bigint not null,
  primary key (intent, number)
);
create index plan_announcement_plan on privacy_console.plan_announcement (plan);

-- What a run replaces alike wherever it meets it: old values by a keyed hash whose key goes when the plan is over.
create table privacy_console.replacement_key (
  plan bigint primary key references privacy_console.plan,
  key bytea not null
);
create table privacy_console.replacement (
  plan bigint not null references privacy_console.replacement_key on delete cascade,
  hash bytea not null,
  value text not null,
  primary key (plan, hash)
);

create table privacy_console.approval (
  id bigint generated always as identity primary key,
  plan bigint not null references privacy_console.plan,
  staff bigint not null references privacy_console.staff,
  decision text not null check (decision in ('approve', 'deny')),
  sha256 text not null,
  at timestamptz not null default clock_timestamp(),
  expires_at timestamptz not null,
  -- Of many people at once: the batch whose hash was decided about.
  batch bigint,
  entry bigint not null references privacy_console.entry
);
create index approval_plan on privacy_console.approval (plan);

create table privacy_console.run (
  id bigint generated always as identity primary key,
  plan bigint not null unique references privacy_console.plan,
  staff bigint not null references privacy_console.staff,
  state text not null default 'running' check (state in ('running', 'waiting', 'incomplete', 'cancelled', 'done')),
  started_at timestamptz not null default clock_timestamp(),
  -- Nothing goes before.
  due_at timestamptz not null,
  finished_at timestamptz,
  objects_left bigint,
  -- Uploads never completed that were ended in the bucket; null where it can't list them.
  uploads_ended bigint default 0,
  entry bigint not null references privacy_console.entry
);

create table privacy_console.run_step (
  run bigint not null references privacy_console.run,
  step int not null,
  done bigint not null default 0,
  -- Where the last batch ended, as far as the map's index tells: the keys of one row, gone when the run has ended.
  after jsonb,
  remaining bigint,
  finished_at timestamptz,
  primary key (run, step)
);

-- While one is open nothing is deleted, whoever runs it.
create table privacy_console.pause (
  id bigint generated always as identity primary key,
  staff bigint not null references privacy_console.staff,
  reason text not null,
  since timestamptz not null default clock_timestamp(),
  ended_by bigint references privacy_console.staff,
  ended_at timestamptz,
  entry bigint not null
);
create unique index pause_open on privacy_console.pause ((ended_at is null)) where ended_at is null;

create table privacy_console.certificate (
  plan bigint primary key references privacy_console.plan,
  text text not null,
  sha256 text not null,
  entry bigint not null references privacy_console.entry
);

${definer(
  'plan_places(p_plan bigint)',
  'table (prefix text, key text)',
  `  select p.scope, s.key, s.kind into v_scope, v_key, v_kind from privacy_console.plan p join privacy_console.subject s on s.reference = p.subject where p.id = p_plan;
  return query select y.prefix, y.key from (
      select x.value, null::text from jsonb_array_elements_text(coalesce(v_scope -> '/prefixes', '[]')) x(value)
      union select null, x.value from jsonb_array_elements_text(coalesce(v_scope -> '/keys', '[]')) x(value)
      union select o.prefix, o.key from privacy_console.objects_to_erase(v_kind, v_key, v_scope) o) y(prefix, key)
    -- Not what a legal hold covers as a whole.
    where not exists (select from privacy_console.held_objects(v_kind, v_key, v_scope) h
      where h.key = y.key or (h.prefix is not null and starts_with(coalesce(y.prefix, y.key), h.prefix)));`,
  { declare: '  v_scope jsonb; v_key text; v_kind text;' },
)}
${definer(
  'unheld_objects(p_plan privacy_console.plan, p_keys text[], p_bytes bigint[])',
  'table (keys text[], bytes bigint[])',
  `  -- Those that no legal hold covers.
  return query select coalesce(array_agg(k.key order by k.number), '{}'), coalesce(array_agg(k.size order by k.number), '{}')
    from unnest(p_keys, p_bytes) with ordinality k(key, size, number)
    where not exists (select from privacy_console.subject s cross join lateral privacy_console.held_objects(s.kind, s.key, p_plan.scope) h
      where s.reference = p_plan.subject and (h.key = k.key or (h.prefix is not null and starts_with(k.key, h.prefix))));`,
)}
${definer(
  'forget_plans(p_subject text)',
  'void',
  `  -- What plans that are over still hold of the person: names of rows and objects.
  update privacy_console.plan p set scope = '{}' where p.subject = p_subject and p.state in ('denied', 'done', 'expired');
  update privacy_console.plan_object o set key = null from privacy_console.plan p
    where p.id = o.plan and p.subject = p_subject and p.state in ('denied', 'done', 'expired') and o.key is not null;
  update privacy_console.plan_decision d set row_key = null, successor = null, about = '' from privacy_console.plan p
    where p.id = d.plan and p.subject = p_subject and p.state in ('denied', 'done', 'expired') and d.row_key is not null;
  update privacy_console.run_step t set after = null from privacy_console.run r join privacy_console.plan p on p.id = r.plan
    where r.id = t.run and p.subject = p_subject and p.state in ('denied', 'done', 'expired') and t.after is not null;
  delete from privacy_console.replacement_key k using privacy_console.plan p
    where p.id = k.plan and p.subject = p_subject and p.state in ('denied', 'done', 'expired');`,
)}
${definer(
  'replacement_for(p_reference text, p_form text, p_old text, p_new text)',
  'text',
  `  -- Called by the writer for each value of a batch: the new value it was replaced by before, else the one that is offered.
  select p.id into v_plan from privacy_console.plan p join privacy_console.run r on r.plan = p.id
    where p.subject = p_reference and p.state = 'running' and r.state = 'running';
  if v_plan is null then
    raise exception 'No deletion of this person is running.' using errcode = 'PC005';
  end if;
  insert into privacy_console.replacement_key (plan, key)
    values (v_plan, decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex')) on conflict do nothing;
  select k.key into v_key from privacy_console.replacement_key k where k.plan = v_plan;
  v_hash := sha256(v_key || sha256(v_key || convert_to(json_build_array(p_form, p_old)::text, 'UTF8')));
  insert into privacy_console.replacement (plan, hash, value) values (v_plan, v_hash, p_new) on conflict do nothing;
  return (select r.value from privacy_console.replacement r where r.plan = v_plan and r.hash = v_hash);`,
  { declare: '  v_plan bigint; v_key bytea; v_hash bytea;' },
)}
${step(
  'draft_for(p_request bigint, p_staff bigint)',
  'jsonb',
  `  -- One plan of a person at a time is drafted or begun.
  select s.key into v_key from privacy_console.request r join privacy_console.subject s on s.reference = r.subject where r.id = p_request for update of s;
  select r.kind, r.state, r.subject into v_kind, v_state, v_subject from privacy_console.request r where r.id = p_request for update;
  if v_kind is null then
    raise exception 'There is no request %.', p_request using errcode = 'PC005';
  end if;
  if v_state = 'closed' or v_kind <> 'deletion' or v_subject is null then
    return privacy_console.refused('plan.intended', v_subject, p_request, 'refused',
      'A deletion plan needs an open deletion request that names its person.');
  end if;
  if v_key is null then
    raise exception 'This person has already been erased.' using errcode = 'PC007';
  end if;
  if exists (select from privacy_console.plan p join privacy_console.run r on r.plan = p.id
      where p.subject = v_subject and p.state = 'running' and r.state <> 'incomplete') then
    raise exception 'A deletion of this person is running; resume it instead of planning anew.' using errcode = 'PC006';
  end if;
  v_says := privacy_console.restricted_for(v_subject, p_request);
  if v_says is not null then
    return privacy_console.refused('plan.intended', v_subject, p_request, 'refused', v_says);
  end if;
  -- Who is in a batch was counted when that was begun.
  if not privacy_console.is_batched(p_request, p_staff) and not privacy_console.spend_person(p_staff, v_subject) then
    return privacy_console.refused('plan.intended', v_subject, p_request, 'budget_spent',
      'The hourly budget of people is spent; wait a few minutes, or ask an administrator to raise it.');
  end if;
  -- What an unfinished deletion was still after, even where the rows that led to it have gone.
  v_carried := coalesce(
    (select p.scope from privacy_console.plan p where p.subject = v_subject and p.state = 'running' order by p.id desc limit 1),
    (select p.carried from privacy_console.plan p where p.subject = v_subject order by p.id desc limit 1), '{}');
  perform privacy_console.append('erasure.incomplete', v_subject, p.request, 'failed', r.entry, json_build_object('run', r.id, 'code', 'planned anew')::text)
    from privacy_console.plan p join privacy_console.run r on r.plan = p.id where p.subject = v_subject and p.state = 'running';
  -- A new plan voids the older ones: an approval covers exactly one.
  update privacy_console.plan p set state = 'expired', scope = '{}' where p.subject = v_subject and p.state in ('draft', 'awaiting', 'approved', 'running');
  perform privacy_console.forget_plans(v_subject);
  v_salt := decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex');
  v_entry := privacy_console.append('plan.intended', v_subject, p_request, 'intent', null, null);
  insert into privacy_console.plan (request, subject, staff, map_hash, scope, carried, salt, entry)
    values (p_request, v_subject, p_staff, (select d.hash from privacy_console.data_map d where d.current), '{}', v_carried, v_salt, v_entry)
    returning id into v_plan;
  return jsonb_build_object('ok', true, 'plan', v_plan) || privacy_console.receipt(v_entry);`,
  {
    declare:
      '  v_kind text; v_state text; v_subject text; v_says text; v_key text; v_salt bytea; v_carried jsonb; v_entry bigint; v_plan bigint;',
  },
)}
${definer(
  'draft_plan(p_request bigint)',
  'jsonb',
  `  -- Announces the plan and reads nothing of the platform: fill_plan does, once this is committed.
  perform privacy_console.only_write();
  v_staff := privacy_console.may_begin();
  return privacy_console.draft_for(p_request, v_staff);`,
  { declare: '  v_staff bigint;' },
)}
${step(
  'fill_for(p_plan bigint, p_staff bigint, p_decisions jsonb)',
  'void',
  `  select p.carried, s.key, s.kind into v_carried, v_key, v_kind from privacy_console.plan p join privacy_console.subject s on s.reference = p.subject
    where p.id = p_plan and p.staff = p_staff and p.state = 'draft' and not p.filled for update of p;
  if v_key is null then
    raise exception 'There is no draft of yours with that number; plan again.' using errcode = 'PC005';
  end if;
  if exists (select from (
      select r.anonymises, r.collection || '-' || row_number() over (partition by r.collection order by r.row_key) as key
        from privacy_console.shared_rows(v_kind, v_key) r) s
      where p_decisions ->> s.key = 'anonymise' and not s.anonymises) then
    raise exception 'The data map doesn''t say how this is anonymised; hand it over or close it.' using errcode = 'PC004';
  end if;
  select coalesce(jsonb_object_agg(d.collection, d.keys), '{}') into v_handed_over from (
    select s.collection, jsonb_agg(s.row_key) as keys from (
      select r.collection, r.row_key, r.collection || '-' || row_number() over (partition by r.collection order by r.row_key) as key
        from privacy_console.shared_rows(v_kind, v_key) r) s
      where p_decisions ->> s.key in ('hand_over', 'anonymise') group by s.collection) d;
  -- What is handed over leaves the scope, and with it what hangs on it alone.
  select coalesce(jsonb_object_agg(x.name, x.keys), '{}') into v_scope from (
    select s.name, jsonb_agg(s.value order by s.value) as keys from (
      select e.name, e.value from privacy_console.erasure_scope(v_kind, v_key, v_handed_over) e
      union (select k.name, v.value from jsonb_each(v_carried) k(name, keys) cross join lateral jsonb_array_elements_text(k.keys) v(value)
          where k.name not like '/%'
        except select e.name, e.value from privacy_console.erasure_scope(v_kind, v_key, '{}') e where v_handed_over <> '{}')) s
    group by s.name) x;
  update privacy_console.plan p set scope = v_scope, filled = true where p.id = p_plan;
  insert into privacy_console.plan_decision (plan, key, collection, row_key, about, successor, anonymises, chosen)
    select p_plan, s.collection || '-' || row_number() over (partition by s.collection order by s.row_key), s.collection, s.row_key, s.about, s.successor, s.anonymises,
      case when p_decisions ->> (s.collection || '-' || row_number() over (partition by s.collection order by s.row_key)) in ('hand_over', 'close', 'anonymise')
        then p_decisions ->> (s.collection || '-' || row_number() over (partition by s.collection order by s.row_key)) end
    from privacy_console.shared_rows(v_kind, v_key) s;
  -- Also what an earlier plan still held of it.
  update privacy_console.plan p set scope = (
      select jsonb_object_agg(k.name, (select coalesce(jsonb_agg(v.value order by v.value), '[]')
        from jsonb_array_elements_text(k.keys) v(value)
        where not exists (select from privacy_console.plan_decision d
          where d.plan = p_plan and d.chosen in ('hand_over', 'anonymise') and d.row_key = v.value and starts_with(k.name, d.collection || '.'))))
      from jsonb_each(p.scope) k(name, keys))
    where p.id = p_plan and p.scope <> '{}';
  -- Where the objects lie is frozen too: once the rows have gone nothing else tells it.
  update privacy_console.plan p set scope = p.scope || (
      with place as (
        select o.prefix, o.key from privacy_console.objects_to_erase(v_kind, v_key, p.scope) o
        union select b.value, null from jsonb_array_elements_text(coalesce(v_carried -> '/prefixes', '[]')) b(value)
          where not exists (select from privacy_console.plan_decision d where d.plan = p_plan and d.chosen in ('hand_over', 'anonymise') and position(d.row_key in b.value) > 0)
        union select null, b.value from jsonb_array_elements_text(coalesce(v_carried -> '/keys', '[]')) b(value)
          where not exists (select from privacy_console.plan_decision d where d.plan = p_plan and d.chosen in ('hand_over', 'anonymise') and position(d.row_key in b.value) > 0))
      select jsonb_build_object(
        '/prefixes', (select coalesce(jsonb_agg(l.prefix order by l.prefix), '[]') from place l where l.prefix is not null),
        '/keys', (select coalesce(jsonb_agg(l.key order by l.key), '[]') from place l where l.key is not null
          and not exists (select from place m where m.prefix is not null and starts_with(l.key, m.prefix)))))
    where p.id = p_plan;
  update privacy_console.plan p set scope = p.scope || privacy_console.freeze_identifiers(v_kind, v_key, p.scope, v_carried) where p.id = p_plan;`,
  { declare: '  v_key text; v_kind text; v_carried jsonb; v_handed_over jsonb; v_scope jsonb;' },
)}
${definer(
  "fill_plan(p_plan bigint, p_decisions jsonb default '{}')",
  'jsonb',
  `  perform privacy_console.only_write();
  perform privacy_console.fill_for(p_plan, privacy_console.caller(array['operator']), p_decisions);
  -- Nothing of what was found is told before this is committed.
  perform privacy_console.hold_briefly();
  return jsonb_build_object('ok', true);`,
)}
${definer(
  'plan_prefixes(p_plan bigint)',
  'table (prefix text, key text)',
  `  -- Only after one's own draft, begin or resumption was committed: these name the person's objects.
  perform privacy_console.caller(array['operator']);
  if pg_current_xact_id_if_assigned() is not null then
    raise exception 'This transaction has already written; commit the draft first.' using errcode = 'PC003';
  end if;
  return query select o.prefix, o.key from privacy_console.plan p cross join lateral privacy_console.plan_places(p.id) o
    where p.id = p_plan and (
      (p.state = 'draft' and p.filled and p.staff = privacy_console.caller(array['operator']))
      or (p.state = 'running' and exists (select from privacy_console.entry e join privacy_console.run r on r.plan = p.id
        where e.request = p.request and e.number >= r.entry and e.actor = session_user::text
          and e.action in ('erasure.begun', 'erasure.resumed') and e.outcome <> 'refused')));`,
)}
${definer(
  'fail_plan(p_plan bigint, p_code text)',
  'jsonb',
  `  -- The bucket could not be listed: the draft ends here, and its intent has an outcome.
  perform privacy_console.only_write();
  v_staff := privacy_console.caller(array['operator']);
  update privacy_console.plan p set state = 'expired' where p.id = p_plan and p.staff = v_staff and p.state = 'draft' and p.bytes is null
    returning p.* into v_plan;
  if v_plan.id is null then
    raise exception 'There is no draft of yours with that number.' using errcode = 'PC005';
  end if;
  perform privacy_console.forget_plans(v_plan.subject);
  return jsonb_build_object('ok', true) || privacy_console.receipt(privacy_console.append('plan.made', v_plan.subject, v_plan.request, 'failed', v_plan.entry,
    json_build_object('plan', p_plan, 'code', left(p_code, 40))::text));`,
  { declare: '  v_staff bigint; v_plan privacy_console.plan;' },
)}
${definer(
  'plan_text(p_plan privacy_console.plan)',
  'text',
  `  -- Made from the rows that a run works by, so that bytes and rows can be held against each other.
  return '{"decisions":' || (select coalesce(json_agg(json_build_array(d.key, d.chosen,
        encode(sha256(p_plan.salt || convert_to(json_build_array(d.collection, d.row_key, d.successor)::text, 'UTF8')), 'hex')) order by d.key), '[]')::text
      from privacy_console.plan_decision d where d.plan = p_plan.id)
    || ',"lines":' || (select coalesce(json_agg(json_build_array(l.step, l.collection, l.action, l.planned, l.because,
        to_char(l.until at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')) order by l.step), '[]')::text from privacy_console.plan_line l where l.plan = p_plan.id)
    || ',"map":' || to_json(p_plan.map_hash)::text
    || ',"objects":"' || encode(sha256(p_plan.salt || convert_to((select coalesce(string_agg(to_json(o.key)::text, ',' order by o.number), '') from privacy_console.plan_object o where o.plan = p_plan.id and not o.late), 'UTF8')), 'hex') || '"'
    || ',"plan":' || p_plan.id || ',"request":' || p_plan.request
    || ',"scope":"' || encode(sha256(p_plan.salt || convert_to(p_plan.scope::text, 'UTF8')), 'hex') || '"'
    || ',"subject":' || to_json(p_plan.subject)::text
    || ',"tasks":' || (select coalesce(json_agg(json_build_array(t.name, t.title, t.owner, t.moment) order by t.name), '[]')::text
      from privacy_console.plan_task t where t.plan = p_plan.id) || '}';`,
)}
${step(
  'seal_for(p_plan bigint, p_staff bigint, p_keys text[], p_bytes bigint[])',
  'jsonb',
  `  select p.* into v_plan from privacy_console.plan p where p.id = p_plan and p.staff = p_staff and p.state = 'draft' and p.filled for update;
  if v_plan.id is null then
    raise exception 'There is no draft of yours with that number; plan again.' using errcode = 'PC005';
  end if;
  if cardinality(p_keys) <> cardinality(p_bytes) then
    raise exception 'Each object needs its size.' using errcode = 'PC004';
  end if;
  perform privacy_console.keep_holds_out();
  select s.key, s.kind into v_key, v_kind from privacy_console.subject s where s.reference = v_plan.subject;
  select u.keys, u.bytes into p_keys, p_bytes from privacy_console.unheld_objects(v_plan, p_keys, p_bytes) u;
  -- Only objects that the map gives to this person can enter the plan.
  if exists (select from unnest(p_keys) k(key) where not exists (
      select from privacy_console.plan_places(v_plan.id) o
      where o.key = k.key or (o.prefix is not null and starts_with(k.key, o.prefix)))) then
    raise exception 'The plan names an object that does not belong to this person.' using errcode = 'PC007';
  end if;
  delete from privacy_console.plan_line l where l.plan = p_plan;
  insert into privacy_console.plan_object (plan, number, key, bytes)
    select p_plan, k.number, k.key, k.size from unnest(p_keys, p_bytes) with ordinality k(key, size, number);
  perform privacy_console.note_holds(v_plan, false, null);
  insert into privacy_console.plan_task (plan, name, title, owner, moment)
    select p_plan, t.name, t.title, t.owner, t.moment from privacy_console.map_task t where t.kind = v_kind;
  insert into privacy_console.plan_line (plan, step, collection, action, planned, because, until)
    select p_plan, row_number() over (order by x.rank, x.place, x.collection), x.collection, x.action, x.planned, x.because, x.until from (
      select 1 as rank, 0 as place, d.collection, case d.chosen when 'hand_over' then 'hand_over' else 'anonymise_shared' end as action, count(*) as planned,
          case d.chosen when 'hand_over' then 'Stays as it is, with what is written in it, and has a new owner'
            else 'Stays with what others wrote in it; what tells of the person is replaced' end as because, null::timestamptz as until
        from privacy_console.plan_decision d where d.plan = p_plan and d.chosen in ('hand_over', 'anonymise') group by d.collection, d.chosen
      union all select 2, 0, 'objects', 'objects', cardinality(p_keys), null, null
      union all select 4, 0, h.collection, 'keep', h.rows, 'Legal hold ' || (
          select string_agg(n.hold::text, ', ' order by n.hold) from privacy_console.plan_hold n
            where n.plan = p_plan and exists (select from privacy_console.held_rows(v_kind, v_key, v_plan.scope, n.hold) x where x.collection = h.collection)), null
        from privacy_console.held_rows(v_kind, v_key, v_plan.scope, null) h
      union all select case t.action when 'quiesce' then 0 else 3 end, t.place, t.collection, t.action, t.planned, t.because, t.until
        from privacy_console.rows_to_erase(v_kind, v_key, v_plan.scope, v_plan.subject) t
        -- Also where there is nothing now: what comes until the run is covered by the same approval.
        where t.planned > 0 or t.action <> 'keep') x;
  v_text := privacy_console.plan_text(v_plan);
  v_open := exists (select from privacy_console.plan_decision d where d.plan = p_plan and d.chosen is null);
  update privacy_console.plan p set bytes = convert_to(v_text, 'UTF8'), sha256 = encode(sha256(convert_to(v_text, 'UTF8')), 'hex'),
      state = case when v_open then 'draft' else 'awaiting' end
    where p.id = p_plan;
  if not v_open then
    update privacy_console.request r set state = 'waiting_approval' where r.id = v_plan.request;
  end if;
  return jsonb_build_object('ok', true) || privacy_console.receipt(privacy_console.append('plan.made', v_plan.subject, v_plan.request, 'done', v_plan.entry,
    json_build_object('plan', p_plan, 'sha256', encode(sha256(convert_to(v_text, 'UTF8')), 'hex'))::text));`,
  { declare: '  v_plan privacy_console.plan; v_key text; v_kind text; v_text text; v_open boolean;' },
)}
${definer(
  'seal_plan(p_plan bigint, p_keys text[], p_bytes bigint[])',
  'jsonb',
  `  perform privacy_console.only_write();
  return privacy_console.seal_for(p_plan, privacy_console.caller(array['operator']), p_keys, p_bytes);`,
)}
${definer(
  'most_of(p_planned bigint)',
  'bigint',
  `  -- What arrives between plan and run is part of the deletion, within reason.
  return p_planned + greatest(100, p_planned / 20);`,
)}
${definer(
  'approvers_needed(p_plan bigint)',
  'int',
  `  -- Two for what touches others' work, and for what is a great deal.
  return case when exists (select from privacy_console.plan_decision d where d.plan = p_plan)
      or (select coalesce(sum(l.planned), 0) from privacy_console.plan_line l where l.plan = p_plan and l.action in ('objects', 'detach', 'delete', 'anonymise'))
        > privacy_console.setting_of('two_approvers_above')
      -- Or what belongs to a great deal.
      or exists (select from privacy_console.batch_item i join privacy_console.batch b on b.id = i.batch where i.plan = p_plan and b.approvers > 1)
    then 2 else 1 end;`,
)}
${definer(
  'approvers_of(p_plan privacy_console.plan)',
  'table (person text, expires_at timestamptz)',
  `  -- Who has approved exactly these bytes and may still: other people than the planner; none at all once somebody has denied.
  return query select privacy_console.person_of(a.staff), max(a.expires_at) from privacy_console.approval a
    join privacy_console.staff s on s.id = a.staff
    where a.plan = p_plan.id and a.decision = 'approve' and a.sha256 = p_plan.sha256
      and a.sha256 = encode(sha256(p_plan.bytes), 'hex') and s.active and 'approver' = any (s.roles)
      and privacy_console.person_of(a.staff) <> privacy_console.person_of(p_plan.staff)
      and not exists (select from privacy_console.approval d where d.plan = p_plan.id and d.decision = 'deny')
    group by 1;`,
)}
${definer(
  "is_approved(p_plan privacy_console.plan, p_until timestamptz default '-infinity')",
  'boolean',
  `  -- By as many as it needs, whose approvals last until then.
  return (select count(*) from privacy_console.approvers_of(p_plan) a where a.expires_at >= p_until) >= privacy_console.approvers_needed(p_plan.id);`,
)}
${definer(
  'has_approved(p_plan privacy_console.plan, p_staff bigint)',
  'boolean',
  `  return exists (select from privacy_console.approvers_of(p_plan) a where a.person = privacy_console.person_of(p_staff));`,
)}
${definer(
  'plans(p_plan bigint, p_request bigint, p_awaiting boolean)',
  'setof jsonb',
  `  perform privacy_console.caller(array['viewer', 'operator', 'approver', 'auditor', 'admin']);
  -- A draft that could be looked at and rolled back would tell of the person without a trace.
  if pg_current_xact_id_if_assigned() is not null then
    raise exception 'This transaction has already written; commit it before reading plans.' using errcode = 'PC003';
  end if;
  -- Rows and objects a second, as the latest runs of some size went.
  select percentile_cont(0.5) within group (order by x.done / x.seconds) into v_rate from (
    select sum(t.done)::float8 as done, extract(epoch from r.finished_at - r.started_at)::float8 as seconds
      from privacy_console.run r join privacy_console.run_step t on t.run = r.id where r.state = 'done' group by r.id order by r.id desc limit 20) x
    where x.done >= 1000 and x.seconds > 0;
  return query
    select jsonb_build_object('id', p.id, 'requestId', p.request, 'subject', p.subject, 'kind', u.kind, 'controller', k.controller, 'state', p.state, 'sha256', coalesce(p.sha256, ''),
      'mapHash', p.map_hash, 'plannedBy', s.login, 'plannedAt', p.made_at,
      'lines', (select coalesce(jsonb_agg(jsonb_build_object('collection', l.collection, 'action', l.action, 'rows', l.planned, 'because', l.because, 'until', l.until,
          'atMost', case when l.action in ('detach', 'delete', 'anonymise') then privacy_console.most_of(l.planned) end) order by l.step), '[]')
        from privacy_console.plan_line l where l.plan = p.id),
      'rate', v_rate,
      'objects', (select jsonb_build_object('count', count(*), 'bytes', coalesce(sum(o.bytes), 0)) from privacy_console.plan_object o where o.plan = p.id),
      'decisions', (select coalesce(jsonb_agg(jsonb_build_object('key', d.key, 'about', d.about, 'successor', d.successor is not null, 'anonymises', d.anonymises, 'chosen', d.chosen) order by d.key), '[]')
        from privacy_console.plan_decision d where d.plan = p.id),
      'approvals', (select coalesce(jsonb_agg(jsonb_build_object('by', b.login, 'at', a.at, 'decision', a.decision, 'expiresAt', a.expires_at) order by a.id), '[]')
        from privacy_console.approval a join privacy_console.staff b on b.id = a.staff where a.plan = p.id),
      'tasks', (select coalesce(jsonb_agg(jsonb_build_object('name', t.name, 'title', t.title, 'owner', t.owner, 'when', t.moment,
          'doneBy', b.login, 'doneAt', t.done_at, 'entry', t.entry) order by t.moment desc, t.name), '[]')
        from privacy_console.plan_task t left join privacy_console.staff b on b.id = t.done_by where t.plan = p.id),
      'approversNeeded', privacy_console.approvers_needed(p.id),
      'holds', (select coalesce(jsonb_agg(jsonb_build_object('hold', h.id, 'ground', h.ground, 'rows', n.rows, 'late', coalesce(n.late, true), 'lifted', h.lifted_at is not null,
          'person', h.subject is not null and h.subject = p.subject) order by h.id), '[]')
        from privacy_console.hold h left join privacy_console.plan_hold n on n.hold = h.id and n.plan = p.id
        where n.hold is not null or (h.subject = p.subject and h.lifted_at is null and p.state in ('draft', 'awaiting', 'approved', 'running'))),
      'run', (select jsonb_build_object('id', r.id, 'by', b.login, 'startedAt', r.started_at, 'finishedAt', r.finished_at, 'state', r.state, 'dueAt', r.due_at, 'isDue', r.due_at <= clock_timestamp(),
          'finds', privacy_console.finds_of(r.id),
          'outcomes', case when r.state in ('incomplete', 'done') then privacy_console.outcomes_of(r.id) else '[]' end,
          'unlooked', privacy_console.unlooked(r.id),
          'steps', (select coalesce(jsonb_agg(jsonb_build_object('collection', l.collection, 'action', l.action, 'planned', l.planned, 'done', t.done, 'left', t.remaining) order by t.step), '[]')
            from privacy_console.run_step t join privacy_console.plan_line l on l.plan = p.id and l.step = t.step where t.run = r.id))
        from privacy_console.run r join privacy_console.staff b on b.id = r.staff where r.plan = p.id))
    from privacy_console.plan p join privacy_console.staff s on s.id = p.staff join privacy_console.subject u on u.reference = p.subject
      left join privacy_console.subject_kind k on k.kind = u.kind
    where (p_plan is null or p.id = p_plan) and (p_request is null or p.request = p_request) and (not p_awaiting or p.state = 'awaiting')
      -- What is part of a batch is listed with that.
      and (p_plan is not null or p_request is not null or not exists (select from privacy_console.batch_item i where i.plan = p.id and i.state <> 'set_aside'))
    order by p.id desc limit 200;`,
  { declare: '  v_rate float8;' },
)}
${definer(
  'drift_of(p_plan privacy_console.plan)',
  'text',
  `  -- What is to go is counted anew, with what has come to hang on the person since; null while the plan's counts hold.
  select s.key, s.kind into v_key, v_kind from privacy_console.subject s where s.reference = p_plan.subject;
  select p_plan.scope || coalesce(jsonb_object_agg(x.name, x.keys), '{}') into v_scope from (
    select u.name, jsonb_agg(u.value order by u.value) as keys from (
      select e.name, e.value from privacy_console.erasure_scope(v_kind, v_key, (
          select coalesce(jsonb_object_agg(d.collection, d.keys), '{}') from (
            select o.collection, jsonb_agg(o.row_key) as keys from privacy_console.plan_decision o
              where o.plan = p_plan.id and o.chosen in ('hand_over', 'anonymise') group by o.collection) d)) e
      union select k.name, v.value from jsonb_each(p_plan.scope) k(name, keys) cross join lateral jsonb_array_elements_text(k.keys) v(value)
        where k.name not like '/%') u
    group by u.name) x;
  return (
    select string_agg(l.collection || ': ' || l.planned || ' counted, ' || x.planned || ' now', '; ' order by l.step)
      from privacy_console.plan_line l
      join privacy_console.rows_to_erase(v_kind, v_key, v_scope, p_plan.subject) x on x.collection = l.collection and x.action = l.action
      where l.plan = p_plan.id and l.action in ('detach', 'delete', 'anonymise')
        and abs(x.planned - l.planned) > privacy_console.most_of(l.planned) - l.planned);`,
  { declare: '  v_key text; v_kind text; v_scope jsonb;' },
)}
${definer(
  'void_plan(p_plan privacy_console.plan)',
  'void',
  `  update privacy_console.plan p set state = 'expired' where p.id = p_plan.id;
  update privacy_console.request r set state = 'in_progress' where r.id = p_plan.request and r.state = 'waiting_approval';
  perform privacy_console.forget_plans(p_plan.subject);`,
)}
${definer(
  'decide_plan(p_plan bigint, p_sha256 text, p_decision text, p_reason text)',
  'jsonb',
  `  perform privacy_console.only_write();
  v_staff := privacy_console.caller(array['operator', 'approver']);
  v_action := case p_decision when 'approve' then 'plan.approved' when 'deny' then 'plan.denied' end;
  if v_action is null or p_reason is null or length(trim(p_reason)) < 3 then
    raise exception 'Say approve or deny, and why.' using errcode = 'PC004';
  end if;
  select p.* into v_plan from privacy_console.plan p where p.id = p_plan for update;
  if v_plan.id is null then
    raise exception 'There is no plan %.', p_plan using errcode = 'PC005';
  end if;
  if not privacy_console.holds_role('approver') then
    return privacy_console.refused(v_action, v_plan.subject, v_plan.request, 'not_permitted', 'Only an approver can decide about a plan.');
  elsif privacy_console.person_of(v_staff) = privacy_console.person_of(v_plan.staff) then
    return privacy_console.refused(v_action, v_plan.subject, v_plan.request, 'not_permitted', 'Nobody decides about a plan of their own; another person has to.');
  elsif p_decision = 'approve' and not privacy_console.has_just_authenticated() then
    return privacy_console.refused(v_action, v_plan.subject, v_plan.request, ${stale});
  elsif v_plan.state <> 'awaiting' then
    return privacy_console.refused(v_action, v_plan.subject, v_plan.request, 'conflict', 'This plan is not waiting for a decision; read it again.');
  elsif p_decision = 'approve' and privacy_console.batch_of(p_plan) is not null then
    return privacy_console.refused(v_action, v_plan.subject, v_plan.request, 'conflict', 'This plan is part of batch ' || privacy_console.batch_of(p_plan) || '; approve that.');
  elsif p_decision = 'approve' and privacy_console.has_approved(v_plan, v_staff) then
    return privacy_console.refused(v_action, v_plan.subject, v_plan.request, 'conflict', 'You have approved this plan already; it needs a second approver.');
  elsif v_plan.sha256 is distinct from p_sha256 then
    return privacy_console.refused(v_action, v_plan.subject, v_plan.request, 'conflict', 'This is not the plan you have read; read it again.');
  elsif v_plan.map_hash <> (select d.hash from privacy_console.data_map d where d.current) then
    return privacy_console.refused(v_action, v_plan.subject, v_plan.request, 'conflict', 'The data map has changed since this was planned; plan it again.');
  end if;
  v_drift := case p_decision when 'approve' then privacy_console.drift_of(v_plan) end;
  if v_drift is not null then
    perform privacy_console.void_plan(v_plan);
    return privacy_console.refused(v_action, v_plan.subject, v_plan.request, 'conflict', 'The data has changed too much since it was counted (' || v_drift || '); plan it again.');
  end if;
  if p_decision = 'deny' then
    update privacy_console.plan p set state = 'denied' where p.id = p_plan;
    update privacy_console.request r set state = 'in_progress' where r.id = v_plan.request;
  end if;
  v_entry := privacy_console.append(v_action, v_plan.subject, v_plan.request, 'done', v_plan.entry,
    json_build_object('plan', p_plan, 'sha256', p_sha256, 'reason', trim(p_reason))::text);
  insert into privacy_console.approval (plan, staff, decision, sha256, expires_at, entry)
    values (p_plan, v_staff, p_decision, p_sha256, clock_timestamp() + make_interval(mins => privacy_console.setting_of('approval_minutes')), v_entry);
  if p_decision = 'approve' and privacy_console.is_approved(v_plan, clock_timestamp()) then
    update privacy_console.plan p set state = 'approved' where p.id = p_plan;
  end if;
  return jsonb_build_object('ok', true) || privacy_console.receipt(v_entry);`,
  {
    declare: '  v_staff bigint; v_plan privacy_console.plan; v_action text; v_drift text; v_entry bigint;',
  },
)}
${step(
  'begin_for(p_plan bigint, p_staff bigint)',
  'jsonb',
  `  -- In the order in which its batches and its end take them; the trail's latch comes last everywhere.
  perform 1 from privacy_console.run r where r.plan = p_plan for update;
  perform 1 from privacy_console.plan p join privacy_console.subject s on s.reference = p.subject where p.id = p_plan for update of s;
  select p.* into v_plan from privacy_console.plan p where p.id = p_plan for update;
  if v_plan.id is null then
    raise exception 'There is no plan %.', p_plan using errcode = 'PC005';
  end if;
  if v_plan.state not in ('approved', 'running') then
    return privacy_console.refused('erasure.begun', v_plan.subject, v_plan.request, 'refused', 'Only an approved plan can be run.');
  end if;
  if exists (select from privacy_console.run r where r.plan = p_plan and r.state = 'waiting' and r.due_at > clock_timestamp()) then
    return privacy_console.refused('erasure.begun', v_plan.subject, v_plan.request, 'conflict', 'The deletion waits until its time has come; until then it can be called off.');
  end if;
  if privacy_console.has_approved(v_plan, p_staff) then
    return privacy_console.refused('erasure.begun', v_plan.subject, v_plan.request, 'not_permitted', 'Who approved a plan can''t run it.');
  end if;
  perform privacy_console.keep_holds_out();
  v_code := 'refused';
  v_says := privacy_console.stopped_by(v_plan);
  if v_says is not null then
    v_code := 'conflict';
  elsif v_plan.bytes is distinct from convert_to(privacy_console.plan_text(v_plan), 'UTF8') then
    v_says := 'The plan is not what was approved; plan it again and have that approved.';
  elsif not privacy_console.is_approved(v_plan) then
    v_says := 'No valid approval covers this plan; plan it again and have that approved.';
  elsif v_plan.state = 'approved' and not privacy_console.is_approved(v_plan, clock_timestamp()) then
    v_says := 'The approval has expired; plan it again and have that approved.';
  elsif v_plan.map_hash <> (select d.hash from privacy_console.data_map d where d.current) then
    v_code := 'conflict';
    v_says := 'The data map has changed since this was planned; plan it again and have that approved.';
  elsif v_plan.state = 'approved' then
    v_code := 'conflict';
    v_says := 'The data has changed too much since it was counted (' || privacy_console.drift_of(v_plan) || '); plan it again and have that approved.';
    if v_says is not null then
      perform privacy_console.void_plan(v_plan);
    end if;
  end if;
  if v_says is not null then
    -- A run that can't go on makes way for a new plan.
    update privacy_console.run r set state = 'incomplete' where r.plan = p_plan and r.state = 'running';
    return privacy_console.refused('erasure.begun', v_plan.subject, v_plan.request, v_code, v_says);
  end if;
  v_entry := privacy_console.append(case v_plan.state when 'running' then 'erasure.resumed' else 'erasure.begun' end, v_plan.subject, v_plan.request,
    case v_plan.state when 'running' then 'done' else 'intent' end,
    case v_plan.state when 'running' then (select r.entry from privacy_console.run r where r.plan = p_plan) end,
    json_build_object('plan', p_plan, 'sha256', v_plan.sha256)::text);
  if v_plan.state = 'approved' then
    update privacy_console.plan p set state = 'running' where p.id = p_plan;
    insert into privacy_console.run (plan, staff, due_at, entry)
      values (p_plan, p_staff, clock_timestamp() + make_interval(mins => coalesce(privacy_console.setting_of('grace_minutes'),
        case (select i.environment from privacy_console.installation i) when 'production' then ${graceMinutes} else 0 end)), v_entry) returning id into v_run;
    perform privacy_console.journal_kept(v_plan);
    insert into privacy_console.run_step (run, step) select v_run, l.step from privacy_console.plan_line l where l.plan = p_plan and l.action <> 'keep';
  else
    update privacy_console.run r set state = 'running' where r.plan = p_plan returning r.id into v_run;
    update privacy_console.run_step t set finished_at = null where t.run = v_run and t.remaining > 0;
    delete from privacy_console.run_look l where l.run = v_run;
  end if;
  return jsonb_build_object('ok', true, 'run', v_run,
      'waits', (select greatest(0, extract(epoch from r.due_at - clock_timestamp())) from privacy_console.run r where r.id = v_run),
      'tasksBefore', (select count(*) from privacy_console.plan_task t where t.plan = p_plan and t.moment = 'before' and t.done_at is null),
      'steps', (
      select coalesce(jsonb_agg(jsonb_build_object('step', t.step, 'collection', l.collection, 'action', l.action, 'planned', l.planned, 'done', t.done,
        'finished', t.finished_at is not null) order by t.step), '[]')
      from privacy_console.run_step t join privacy_console.plan_line l on l.plan = p_plan and l.step = t.step where t.run = v_run))
    || privacy_console.receipt(v_entry);`,
  {
    declare: '  v_plan privacy_console.plan; v_code text; v_says text; v_entry bigint; v_run bigint;',
  },
)}
${definer(
  'begin_run(p_plan bigint)',
  'jsonb',
  `  perform privacy_console.only_write();
  return privacy_console.begin_for(p_plan, privacy_console.may_begin());`,
)}
${definer(
  'hold_briefly()',
  'void',
  `  -- For what may end without an entry, whose append does the same: locks are lost by idling, and can't be prepared away.
  perform set_config('idle_in_transaction_session_timeout', '5s', true);
  perform pg_notify('privacy_console_step', '');`,
)}
${definer(
  'running_plan(p_run bigint)',
  'privacy_console.plan',
  `  -- Checked inside each deleting transaction, whatever was checked before.
  perform privacy_console.caller(array['operator']);
  select p.* into v_plan from privacy_console.run r join privacy_console.plan p on p.id = r.plan
    where r.id = p_run and r.state = 'running' and p.state = 'running';
  if v_plan.id is null then
    raise exception 'No such deletion is running; begin or resume it first.' using errcode = 'PC005';
  end if;
  if not privacy_console.is_approved(v_plan) or privacy_console.has_approved(v_plan, privacy_console.caller(array['operator'])) then
    raise exception 'No valid approval by another person covers this deletion.' using errcode = 'PC002';
  end if;
  if v_plan.map_hash <> (select d.hash from privacy_console.data_map d where d.current) then
    raise exception 'The data map has changed since this was planned; plan it again and have that approved.' using errcode = 'PC006';
  end if;
  perform privacy_console.refuse_where_unsafe();
  perform privacy_console.keep_holds_out();
  perform privacy_console.hold_briefly();
  return v_plan;`,
  { declare: '  v_plan privacy_console.plan;' },
)}
${definer(
  'stop_for_hold(p_run bigint, p_plan privacy_console.plan, p_action text)',
  'jsonb',
  `  -- A hold that came after the plan ends the run before anything more goes; null while there is none.
  v_says := privacy_console.stopped_by(p_plan);
  if v_says is null then
    return null;
  end if;
  update privacy_console.run r set state = 'incomplete' where r.id = p_run;
  return privacy_console.refused(p_action, p_plan.subject, p_plan.request, 'conflict', v_says);`,
  { declare: '  v_says text;' },
)}
${definer(
  'held_up()',
  'text',
  `  -- Why nothing is deleted now; null when nothing is in the way. What this owner may not see holds nobody up: other
  -- sessions' transactions are shown to who may read all statistics, replicas without a slot to nobody.
  select p.reason into v_reason from privacy_console.pause p where p.ended_at is null;
  if v_reason is not null then
    return 'An administrator has paused deletions: ' || v_reason;
  end if;
  select max(pg_wal_lsn_diff(pg_current_wal_lsn(), s.restart_lsn)) / 1048576 into v_behind from pg_replication_slots s where s.slot_type = 'physical' and s.active;
  if v_behind > privacy_console.setting_of('replica_lag_megabytes') then
    return 'A replica is ' || round(v_behind) || ' MB behind.';
  end if;
  v_minutes := privacy_console.longest_transaction();
  if v_minutes > privacy_console.setting_of('long_transaction_minutes') then
    return 'A transaction has been open for ' || round(v_minutes) || ' minutes and keeps the database from cleaning up.';
  end if;
  return null;`,
  { declare: '  v_reason text; v_behind numeric; v_minutes numeric;' },
)}
${definer(
  'pause_deletions(p_reason text)',
  'jsonb',
  `  perform privacy_console.only_write();
  v_staff := privacy_console.caller(array['admin']);
  if p_reason is null or length(trim(p_reason)) < 3 or length(p_reason) > 300 then
    raise exception 'Say why deletions pause, in 3 to 300 characters.' using errcode = 'PC004';
  end if;
  if exists (select from privacy_console.pause p where p.ended_at is null) then
    raise exception 'Deletions are paused already.' using errcode = 'PC006';
  end if;
  v_entry := privacy_console.append('deletions.paused', null, null, 'done', null, json_build_object('reason', trim(p_reason))::text);
  insert into privacy_console.pause (staff, reason, entry) values (v_staff, trim(p_reason), v_entry);
  return jsonb_build_object('ok', true) || privacy_console.receipt(v_entry);`,
  { declare: '  v_staff bigint; v_entry bigint;' },
)}
${definer(
  'continue_deletions()',
  'jsonb',
  `  perform privacy_console.only_write();
  v_staff := privacy_console.caller(array['admin']);
  update privacy_console.pause p set ended_by = v_staff, ended_at = clock_timestamp() where p.ended_at is null returning p.entry into v_intent;
  if v_intent is null then
    raise exception 'Deletions are not paused.' using errcode = 'PC006';
  end if;
  return jsonb_build_object('ok', true) || privacy_console.receipt(privacy_console.append('deletions.continued', null, null, 'done', v_intent, null));`,
  { declare: '  v_staff bigint; v_intent bigint;' },
)}
${definer(
  'deletions_held()',
  'table (says text, since timestamptz, by text)',
  `  perform privacy_console.caller(array['viewer', 'operator', 'approver', 'auditor', 'admin']);
  return query select privacy_console.held_up(), p.since, s.login
    from (values (1)) one left join privacy_console.pause p on p.ended_at is null left join privacy_console.staff s on s.id = p.staff;`,
)}
${definer(
  'refuse_early(p_run bigint)',
  'void',
  `  -- Before anything goes, what writes for the person has come to rest, people have done their part, and the wait is over.
  select r.* into v_run from privacy_console.run r where r.id = p_run;
  if exists (select from privacy_console.run_step t join privacy_console.plan_line l on l.plan = v_run.plan and l.step = t.step
      where t.run = p_run and l.action = 'quiesce' and t.finished_at is null) then
    raise exception 'What still writes for the person comes to rest first; run the deletion from its beginning.' using errcode = 'PC006';
  end if;
  if v_run.due_at > clock_timestamp() then
    raise exception 'The deletion waits until its time has come; until then it can be called off.' using errcode = 'PC006';
  end if;
  select t.title into v_task from privacy_console.plan_task t where t.plan = v_run.plan and t.moment = 'before' and t.done_at is null order by t.name limit 1;
  if v_task is not null then
    raise exception 'Before anything is deleted this has to be done by hand: %', v_task using errcode = 'PC006';
  end if;`,
  { declare: '  v_run privacy_console.run; v_task text;' },
)}
${definer(
  'wait_run(p_run bigint)',
  'jsonb',
  `  -- What had to come to rest has; the rest waits for its time, or for what people have to do before.
  perform privacy_console.only_write();
  v_plan := privacy_console.running_plan(p_run);
  v_stopped := privacy_console.stop_for_hold(p_run, v_plan, 'erasure.waiting');
  if v_stopped is not null then
    return v_stopped;
  end if;
  update privacy_console.run r set state = 'waiting' where r.id = p_run returning r.entry, r.due_at into v_intent, v_due;
  return jsonb_build_object('ok', true, 'dueAt', v_due) || privacy_console.receipt(privacy_console.append('erasure.waiting', v_plan.subject, v_plan.request, 'done', null,
    json_build_object('run', p_run, 'until', to_char(v_due at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))::text));`,
  { declare: '  v_plan privacy_console.plan; v_intent bigint; v_due timestamptz; v_stopped jsonb;' },
)}
${definer(
  'cancel_run(p_run bigint, p_reason text)',
  'jsonb',
  `  -- Called off by an operator or an approver, as long as nothing has gone.
  perform privacy_console.only_write();
  perform privacy_console.caller(array['operator', 'approver']);
  if p_reason is null or length(trim(p_reason)) < 3 or length(p_reason) > 2000 then
    raise exception 'Say why it is called off, in 3 to 2000 characters.' using errcode = 'PC004';
  end if;
  perform 1 from privacy_console.run_step t where t.run = p_run order by t.step for update;
  select r.* into v_run from privacy_console.run r where r.id = p_run for update;
  if v_run.id is null then
    raise exception 'There is no such deletion.' using errcode = 'PC005';
  end if;
  select p.* into v_plan from privacy_console.plan p where p.id = v_run.plan for update;
  if v_plan.state <> 'running' then
    return privacy_console.refused('erasure.cancelled', v_plan.subject, v_plan.request, 'conflict', 'This deletion is over already.');
  elsif exists (select from privacy_console.run_step t join privacy_console.plan_line l on l.plan = v_plan.id and l.step = t.step
      where t.run = p_run and l.action <> 'quiesce' and t.done > 0)
    or exists (select from privacy_console.plan_announcement a where a.plan = v_plan.id) then
    return privacy_console.refused('erasure.cancelled', v_plan.subject, v_plan.request, 'conflict', 'Some of it has been deleted already; only what has not begun can be called off.');
  end if;
  update privacy_console.run r set state = 'cancelled', finished_at = clock_timestamp() where r.id = p_run;
  perform privacy_console.void_plan(v_plan);
  return jsonb_build_object('ok', true) || privacy_console.receipt(privacy_console.append('erasure.cancelled', v_plan.subject, v_plan.request, 'done', v_run.entry,
    json_build_object('run', p_run, 'reason', trim(p_reason))::text));`,
  { declare: '  v_run privacy_console.run; v_plan privacy_console.plan;' },
)}
${step(
  'task_done(p_plan privacy_console.plan, p_staff bigint, p_name text, p_evidence text)',
  'bigint',
  `  v_entry := privacy_console.append('task.done', p_plan.subject, p_plan.request, 'done', p_plan.entry,
    json_build_object('plan', p_plan.id, 'task', p_name, 'evidence', trim(p_evidence))::text);
  update privacy_console.plan_task t set done_by = p_staff, done_at = clock_timestamp(), entry = v_entry where t.plan = p_plan.id and t.name = p_name;
  return v_entry;`,
  { declare: '  v_entry bigint;' },
)}
${definer(
  'do_task(p_plan bigint, p_name text, p_evidence text)',
  'jsonb',
  `  perform privacy_console.only_write();
  v_staff := privacy_console.caller(array['operator']);
  if p_evidence is null or length(trim(p_evidence)) < 3 or length(p_evidence) > 2000 then
    raise exception 'Say what shows that it was done, in 3 to 2000 characters.' using errcode = 'PC004';
  end if;
  select p.* into v_plan from privacy_console.plan p where p.id = p_plan for update;
  perform 1 from privacy_console.plan_task t where t.plan = p_plan and t.name = p_name and t.done_at is null for update;
  if not found then
    raise exception 'No such task is open for this plan.' using errcode = 'PC005';
  end if;
  if v_plan.state not in ('approved', 'running') then
    return privacy_console.refused('task.done', v_plan.subject, v_plan.request, 'refused', 'Tasks are done once the plan is approved, and until it has ended.');
  end if;
  return jsonb_build_object('ok', true) || privacy_console.receipt(privacy_console.task_done(v_plan, v_staff, p_name, p_evidence));`,
  { declare: '  v_staff bigint; v_plan privacy_console.plan;' },
)}
${step(
  'stop_with(p_run bigint, p_plan privacy_console.plan, p_code text, p_says text)',
  'jsonb',
  `  update privacy_console.run r set state = 'incomplete' where r.id = p_run;
  return privacy_console.refused('erasure.batch', p_plan.subject, p_plan.request, p_code, p_says);`,
)}
${step(
  'erase_step(p_plan privacy_console.plan, p_run bigint, p_step privacy_console.run_step, p_line privacy_console.plan_line, p_limit int)',
  'jsonb',
  `  -- One batch of one step: what went, or a refusal that ends the run. What is to be told of it comes with it as \`tell\`.
  select s.key, s.kind into v_key, v_kind from privacy_console.subject s where s.reference = p_plan.subject;
  begin
    if p_line.action in ('hand_over', 'anonymise_shared') then
      v_rows := 0;
      v_did := '{"more": false}';
      for v_decision in select d.* from privacy_console.plan_decision d where d.plan = p_plan.id and d.collection = p_line.collection
          and d.chosen = case p_line.action when 'hand_over' then 'hand_over' else 'anonymise' end order by d.key loop
        v_moved := case p_line.action
          when 'hand_over' then privacy_console.hand_over(v_kind, p_line.collection, v_key, v_decision.row_key, v_decision.successor, privacy_console.held_parts(v_kind, v_key, p_plan.scope, null))
          else privacy_console.anonymise_shared(v_kind, p_line.collection, v_key, v_decision.row_key, v_decision.successor, p_plan.subject, privacy_console.held_parts(v_kind, v_key, p_plan.scope, null)) end;
        if v_moved <> 1 then
          -- Neither the person's any more nor anybody's whom the approval named.
          raise exception 'not handed over' using errcode = 'restrict_violation';
        end if;
        v_rows := v_rows + 1;
      end loop;
    else
      v_did := privacy_console.erase_rows(v_kind, p_line.collection, p_line.action, v_key, p_plan.scope, p_plan.subject, p_limit, p_step.after, privacy_console.held_parts(v_kind, v_key, p_plan.scope, null));
      v_rows := (v_did ->> 'rows')::bigint;
    end if;
    if p_step.done + v_rows > privacy_console.most_of(p_line.planned) then
      raise exception 'too many' using errcode = 'PC007';
    end if;
  exception
    when foreign_key_violation or restrict_violation then v_trouble := 'referenced';
    when unique_violation or not_null_violation or check_violation or exclusion_violation or string_data_right_truncation then v_trouble := 'constraint';
    when sqlstate 'PC007' then v_trouble := 'too_many';
    -- What a trigger of the platform says may name the person, and goes nowhere.
    when raise_exception or triggered_action_exception or triggered_data_change_violation then v_trouble := 'platform';
  end;
  if v_trouble = 'too_many' then
    return privacy_console.stop_with(p_run, p_plan, 'refused', 'More rows would go than the approved plan allows; plan the deletion again and have it approved.');
  elsif v_trouble = 'platform' then
    return privacy_console.stop_with(p_run, p_plan, 'conflict',
      'A trigger or a rule of the platform refused a change of ' || p_line.collection || '; ask who looks after the platform, then resume the deletion.');
  elsif v_trouble = 'constraint' then
    return privacy_console.stop_with(p_run, p_plan, 'conflict',
      'A constraint of the platform forbids what the data map writes into ' || p_line.collection || '; check the map, correct it, and plan the deletion again.');
  elsif v_trouble = 'referenced' then
    -- The platform wrote rows in the meantime that hang on these.
    if p_line.action not in ('hand_over', 'anonymise_shared') and privacy_console.reopen_steps(p_run, p_plan) then
      return jsonb_build_object('ok', true, 'rows', 0, 'done', p_step.done, 'finished', false, 'again', true, 'entry', null);
    end if;
    return privacy_console.stop_with(p_run, p_plan, 'conflict', case
      when p_line.action in ('hand_over', 'anonymise_shared') then 'What was to be handed over, or who was to take it over, is no longer there; plan the deletion again and have it approved.'
      else 'Rows that the plan does not cover hang on this person''s rows; plan the deletion again and have it approved.' end);
  end if;
  v_more := (v_did ->> 'more')::boolean;
  update privacy_console.run_step t set done = t.done + v_rows, after = nullif(v_did -> 'after', 'null'),
      finished_at = case when not v_more then clock_timestamp() end
    where t.run = p_run and t.step = p_step.step;
  -- Where nothing was done, there is nothing to tell.
  return jsonb_build_object('ok', true, 'rows', v_rows, 'done', p_step.done + v_rows, 'finished', not v_more, 'again', false, 'entry', null)
    || case when v_rows = 0 then '{}' else jsonb_build_object('tell',
      json_build_object('run', p_run, 'step', p_step.step, 'collection', p_line.collection, 'action', p_line.action, 'rows', v_rows)::text) end;`,
  {
    declare:
      '  v_decision privacy_console.plan_decision; v_key text; v_kind text; v_rows bigint; v_moved bigint; v_did jsonb; v_more boolean; v_trouble text;',
  },
)}
${definer(
  'reopen_steps(p_run bigint, p_plan privacy_console.plan)',
  'boolean',
  `  -- Steps that had ended have work again where the platform wrote rows meanwhile.
  update privacy_console.run_step t set finished_at = null
    from privacy_console.plan_line l, privacy_console.subject s, privacy_console.rows_to_erase(s.kind, s.key, p_plan.scope, p_plan.subject) x
    where s.reference = p_plan.subject and t.run = p_run and t.finished_at is not null and l.plan = p_plan.id and l.step = t.step
      and l.action <> 'quiesce' and x.collection = l.collection and x.action = l.action and x.planned > 0;
  return found;`,
)}
${definer(
  'reopen_run(p_run bigint)',
  'jsonb',
  `  perform privacy_console.only_write();
  perform 1 from privacy_console.run r where r.id = p_run for update;
  v_plan := privacy_console.running_plan(p_run);
  perform privacy_console.refuse_early(p_run);
  return jsonb_build_object('ok', true, 'again', privacy_console.reopen_steps(p_run, v_plan), 'entry', null);`,
  { declare: '  v_plan privacy_console.plan;' },
)}
${definer(
  'erase_batch(p_run bigint, p_step int, p_limit int default 5000)',
  'jsonb',
  `  perform privacy_console.only_write();
  -- Locked before anything is asked, so that a run called off meanwhile is seen to be.
  select t.* into v_step from privacy_console.run_step t where t.run = p_run and t.step = p_step for update;
  v_plan := privacy_console.running_plan(p_run);
  v_stopped := privacy_console.stop_for_hold(p_run, v_plan, 'erasure.batch');
  if v_stopped is not null then
    return v_stopped;
  end if;
  v_held := privacy_console.held_up();
  if v_held is not null then
    return jsonb_build_object('ok', true, 'rows', 0, 'done', v_step.done, 'finished', false, 'again', false, 'entry', null, 'held', v_held);
  end if;
  select l.* into v_line from privacy_console.plan_line l where l.plan = v_plan.id and l.step = p_step;
  if v_step.run is null or v_line.action = 'objects' or p_limit is null or p_limit not between 1 and 50000 then
    raise exception 'There is no such step.' using errcode = 'PC005';
  end if;
  -- What came to rest may have begun again, so that is looked at each time.
  if v_step.finished_at is not null and v_line.action <> 'quiesce' then
    return jsonb_build_object('ok', true, 'rows', 0, 'done', v_step.done, 'finished', true, 'again', false, 'entry', null);
  end if;
  if v_line.action <> 'quiesce' then
    perform privacy_console.refuse_early(p_run);
  end if;
  v_did := privacy_console.erase_step(v_plan, p_run, v_step, v_line, p_limit);
  if not v_did ? 'tell' then
    return v_did;
  end if;
  return (v_did - 'tell') || privacy_console.receipt(privacy_console.append('erasure.batch', v_plan.subject, v_plan.request, 'done',
    (select r.entry from privacy_console.run r where r.id = p_run), v_did ->> 'tell'));`,
  {
    declare:
      '  v_plan privacy_console.plan; v_step privacy_console.run_step; v_line privacy_console.plan_line; v_did jsonb; v_held text; v_stopped jsonb;',
  },
)}
${definer(
  'erase_person(p_run bigint, p_quiesce boolean, p_limit int default 5000)',
  'jsonb',
  `  -- All that is left of a run's steps, or what has to come to rest first, in one transaction while that is little: the
  -- checks of a batch once for all of them, an entry for each. More than so many rows are left to the next call.
  perform privacy_console.only_write();
  if p_limit is null or p_limit not between 1 and 50000 then
    raise exception 'A batch has 1 to 50000 rows.' using errcode = 'PC004';
  end if;
  perform 1 from privacy_console.run_step t where t.run = p_run order by t.step for update;
  v_plan := privacy_console.running_plan(p_run);
  v_stopped := privacy_console.stop_for_hold(p_run, v_plan, 'erasure.batch');
  if v_stopped is not null then
    return v_stopped;
  end if;
  v_held := privacy_console.held_up();
  if v_held is not null then
    return jsonb_build_object('ok', true, 'rows', 0, 'finished', false, 'again', false, 'held', v_held);
  end if;
  if not p_quiesce then
    perform privacy_console.refuse_early(p_run);
  end if;
  for v_line in select l.* from privacy_console.plan_line l join privacy_console.run_step t on t.run = p_run and t.step = l.step
      where l.plan = v_plan.id and case when p_quiesce then l.action = 'quiesce' else l.action not in ('quiesce', 'objects') and t.finished_at is null end order by l.step loop
    loop
      select t.* into v_step from privacy_console.run_step t where t.run = p_run and t.step = v_line.step;
      v_did := privacy_console.erase_step(v_plan, p_run, v_step, v_line, p_limit - v_rows);
      v_rows := v_rows + coalesce((v_did ->> 'rows')::int, 0);
      if v_did ? 'tell' then
        v_told := v_told || (v_did ->> 'tell');
      end if;
      exit when not (v_did ->> 'ok')::boolean or v_did @> '{"again": true}' or v_did @> '{"finished": true}' or v_rows >= p_limit;
    end loop;
    exit when not (v_did ->> 'ok')::boolean or v_did @> '{"again": true}' or v_rows >= p_limit;
  end loop;
  perform privacy_console.append('erasure.batch', v_plan.subject, v_plan.request, 'done', (select r.entry from privacy_console.run r where r.id = p_run), t.told)
    from unnest(v_told) with ordinality t(told, place);
  if v_did @> '{"ok": false}' then
    return v_did;
  end if;
  perform privacy_console.hold_briefly();
  v_finished := not exists (select from privacy_console.run_step t join privacy_console.plan_line l on l.plan = v_plan.id and l.step = t.step
    where t.run = p_run and t.finished_at is null and l.action <> 'objects' and (l.action = 'quiesce') = p_quiesce);
  v_again := v_did @> '{"again": true}' or (v_finished and not p_quiesce and v_rows > 0 and privacy_console.reopen_steps(p_run, v_plan));
  return jsonb_build_object('ok', true, 'rows', v_rows, 'again', coalesce(v_again, false), 'finished', v_finished and not coalesce(v_again, false));`,
  {
    declare:
      "  v_plan privacy_console.plan; v_step privacy_console.run_step; v_line privacy_console.plan_line; v_did jsonb; v_rows int := 0; v_told text[] := '{}'; v_finished boolean; v_again boolean; v_held text; v_stopped jsonb;",
  },
)}
${definer(
  'intend_objects(p_run bigint, p_limit int default 1000, p_besides bigint default null)',
  'jsonb',
  `  perform privacy_console.only_write();
  perform 1 from privacy_console.run r where r.id = p_run for update;
  v_plan := privacy_console.running_plan(p_run);
  perform privacy_console.refuse_early(p_run);
  v_stopped := privacy_console.stop_for_hold(p_run, v_plan, 'objects.intended');
  if v_stopped is not null then
    return v_stopped;
  end if;
  v_held := privacy_console.held_up();
  if v_held is not null then
    return jsonb_build_object('ok', true, 'entry', null, 'held', v_held);
  end if;
  -- Those of an announcement still under way are left out; where no others are left there is nothing to announce.
  v_numbers := array(select o.number from privacy_console.plan_object o where o.plan = v_plan.id and o.state <> 'deleted'
      and not exists (select from privacy_console.plan_announcement a where a.intent = p_besides and a.number = o.number)
    order by o.state desc, o.number limit greatest(least(p_limit, 1000), 1));
  if p_besides is not null and v_numbers = '{}' then
    return jsonb_build_object('ok', true, 'entry', null);
  end if;
  v_entry := privacy_console.append('objects.intended', v_plan.subject, v_plan.request, 'intent', null, json_build_object('run', p_run)::text);
  insert into privacy_console.plan_announcement (intent, plan, number) select v_entry, v_plan.id, n from unnest(v_numbers) n;
  -- Which they are is told by announced_objects, once this is committed.
  return jsonb_build_object('ok', true) || privacy_console.receipt(v_entry);`,
  {
    declare:
      '  v_plan privacy_console.plan; v_entry bigint; v_numbers bigint[]; v_held text; v_stopped jsonb;',
  },
)}
${definer(
  'intend_uploads(p_run bigint)',
  'jsonb',
  `  -- Uploads never completed are no objects yet, hold parts all the same, and could still be completed.
  perform privacy_console.only_write();
  perform 1 from privacy_console.run r where r.id = p_run for update;
  v_plan := privacy_console.running_plan(p_run);
  perform privacy_console.refuse_early(p_run);
  v_stopped := privacy_console.stop_for_hold(p_run, v_plan, 'uploads.intended');
  if v_stopped is not null then
    return v_stopped;
  end if;
  v_held := privacy_console.held_up();
  if v_held is not null then
    return jsonb_build_object('ok', true, 'entry', null, 'held', v_held);
  end if;
  return jsonb_build_object('ok', true) || privacy_console.receipt(
    privacy_console.append('uploads.intended', v_plan.subject, v_plan.request, 'intent', null, json_build_object('run', p_run)::text));`,
  { declare: '  v_plan privacy_console.plan; v_held text; v_stopped jsonb;' },
)}
${definer(
  'uploads_ended(p_run bigint, p_intent bigint, p_ended bigint)',
  'jsonb',
  `  -- Null for a bucket that can't list uploads.
  perform privacy_console.only_write();
  perform 1 from privacy_console.run r where r.id = p_run for update;
  v_plan := privacy_console.running_plan(p_run);
  if p_ended < 0 or not exists (select from privacy_console.entry e join privacy_console.detail d on d.entry = e.number
      where e.number = p_intent and e.action = 'uploads.intended' and e.actor = session_user::text and (d.text::json ->> 'run')::bigint = p_run
        and not exists (select from privacy_console.entry f where f.intent = p_intent)) then
    raise exception 'That no upload is left was not announced.' using errcode = 'PC005';
  end if;
  update privacy_console.run r set uploads_ended = r.uploads_ended + p_ended where r.id = p_run;
  return jsonb_build_object('ok', true) || privacy_console.receipt(privacy_console.append('uploads.ended', v_plan.subject, v_plan.request, 'done', p_intent,
    json_build_object('run', p_run, 'ended', p_ended)::text));`,
  { declare: '  v_plan privacy_console.plan;' },
)}
${definer(
  'announced_objects(p_intent bigint)',
  'table (number bigint, key text)',
  `  perform privacy_console.caller(array['operator']);
  if pg_current_xact_id_if_assigned() is not null then
    raise exception 'This transaction has already written; commit the announcement first.' using errcode = 'PC003';
  end if;
  if not exists (select from privacy_console.entry e where e.number = p_intent and e.action = 'objects.intended' and e.actor = session_user::text
      and not exists (select from privacy_console.entry f where f.intent = p_intent)) then
    raise exception 'These objects were not announced.' using errcode = 'PC005';
  end if;
  -- A hold may have come since they were announced; what has been told here can't be called back.
  select privacy_console.stopped_by(p) into v_says from privacy_console.plan_announcement a join privacy_console.plan p on p.id = a.plan where a.intent = p_intent limit 1;
  if v_says is not null then
    raise exception '%', v_says using errcode = 'PC006';
  end if;
  return query select o.number, o.key from privacy_console.plan_announcement a join privacy_console.plan_object o on o.plan = a.plan and o.number = a.number
    where a.intent = p_intent and o.state <> 'deleted' order by o.number;`,
  { declare: '  v_says text;' },
)}
${definer(
  'found_objects(p_run bigint, p_keys text[], p_bytes bigint[])',
  'jsonb',
  `  -- Objects that have come since the plan was made, or have come again.
  perform privacy_console.only_write();
  v_plan := privacy_console.running_plan(p_run);
  if cardinality(p_keys) <> cardinality(p_bytes) then
    raise exception 'Each object needs its size.' using errcode = 'PC004';
  end if;
  perform 1 from privacy_console.run r where r.id = p_run for update;
  select u.keys, u.bytes into p_keys, p_bytes from privacy_console.unheld_objects(v_plan, p_keys, p_bytes) u;
  if exists (select from unnest(p_keys) k(key) where not exists (
      select from privacy_console.plan_places(v_plan.id) o
      where o.key = k.key or (o.prefix is not null and starts_with(k.key, o.prefix)))) then
    raise exception 'The run names an object that does not belong to this person.' using errcode = 'PC007';
  end if;
  select l.planned into v_planned from privacy_console.plan_line l where l.plan = v_plan.id and l.action = 'objects';
  select count(*), coalesce(max(o.number), 0) into v_known, v_last from privacy_console.plan_object o where o.plan = v_plan.id;
  if v_known + (select count(*) from unnest(p_keys) k(key) where not exists (
      select from privacy_console.plan_object o where o.plan = v_plan.id and o.key = k.key)) > privacy_console.most_of(v_planned) then
    update privacy_console.run r set state = 'incomplete' where r.id = p_run;
    return privacy_console.refused('objects.intended', v_plan.subject, v_plan.request, 'refused',
      'More objects would go than the approved plan allows; plan the deletion again and have it approved.');
  end if;
  update privacy_console.plan_object o set state = 'planned'
    from unnest(p_keys) k(key) where o.plan = v_plan.id and o.key = k.key and o.state = 'deleted';
  get diagnostics v_again = row_count;
  insert into privacy_console.plan_object (late, plan, number, key, bytes)
    select true, v_plan.id, v_last + row_number() over (order by k.number), k.key, k.size from unnest(p_keys, p_bytes) with ordinality k(key, size, number)
    where not exists (select from privacy_console.plan_object o where o.plan = v_plan.id and o.key = k.key);
  get diagnostics v_new = row_count;
  if v_new + v_again > 0 then
    update privacy_console.run_step t set finished_at = null from privacy_console.plan_line l
      where t.run = p_run and l.plan = v_plan.id and l.step = t.step and l.action = 'objects';
  end if;
  -- Where there is nothing, nothing has to be announced.
  select count(*) into v_left from privacy_console.plan_object o where o.plan = v_plan.id and o.state <> 'deleted';
  if v_left = 0 then
    update privacy_console.run_step t set finished_at = coalesce(t.finished_at, clock_timestamp()) from privacy_console.plan_line l
      where t.run = p_run and l.plan = v_plan.id and l.step = t.step and l.action = 'objects';
  end if;
  return jsonb_build_object('ok', true, 'found', v_new + v_again, 'left', v_left);`,
  {
    declare:
      '  v_plan privacy_console.plan; v_planned bigint; v_known bigint; v_last bigint; v_again bigint; v_new bigint; v_left bigint;',
  },
)}
${definer(
  'stop_run(p_run bigint, p_code text)',
  'jsonb',
  `  -- A run that was cancelled or could not go on, told by who ran it; what dies without a word stays "running" and can be resumed as well.
  perform privacy_console.only_write();
  perform privacy_console.caller(array['operator']);
  update privacy_console.run r set state = 'incomplete' where r.id = p_run and r.state = 'running' returning r.plan into v_id;
  if v_id is null then
    return jsonb_build_object('ok', true, 'stopped', false);
  end if;
  return (select jsonb_build_object('ok', true, 'stopped', true) || privacy_console.receipt(privacy_console.append('erasure.incomplete', p.subject, p.request, 'failed', null,
      json_build_object('run', p_run, 'code', left(p_code, 40))::text))
    from privacy_console.plan p where p.id = v_id);`,
  { declare: '  v_id bigint;' },
)}
${definer(
  'objects_deleted(p_run bigint, p_intent bigint, p_deleted bigint[], p_failed bigint[])',
  'jsonb',
  `  perform privacy_console.only_write();
  v_plan := privacy_console.running_plan(p_run);
  perform 1 from privacy_console.run r where r.id = p_run for update;
  -- An announcement of this run, one's own, without a result until now; and of what it announced, nothing more.
  if not exists (select from privacy_console.entry e join privacy_console.detail d on d.entry = e.number
      where e.number = p_intent and e.action = 'objects.intended' and e.actor = session_user::text and (d.text::json ->> 'run')::bigint = p_run
        and not exists (select from privacy_console.entry f where f.intent = p_intent)) then
    raise exception 'These objects were not announced.' using errcode = 'PC005';
  end if;
  update privacy_console.plan_object o set state = case when o.number = any (p_deleted) then 'deleted' else 'failed' end
    where o.plan = v_plan.id and (o.number = any (p_deleted) or o.number = any (p_failed)) and o.state <> 'deleted'
      and exists (select from privacy_console.plan_announcement a where a.intent = p_intent and a.number = o.number);
  update privacy_console.run_step t
    set done = (select count(*) from privacy_console.plan_object o where o.plan = v_plan.id and o.state = 'deleted'),
        finished_at = case when not exists (select from privacy_console.plan_object o where o.plan = v_plan.id and o.state <> 'deleted') then clock_timestamp() end
    from privacy_console.plan_line l where l.plan = v_plan.id and l.action = 'objects' and t.run = p_run and t.step = l.step;
  return jsonb_build_object('ok', true, 'left', (select count(*) from privacy_console.plan_object o where o.plan = v_plan.id and o.state <> 'deleted'))
    || privacy_console.receipt(privacy_console.append('objects.deleted', v_plan.subject, v_plan.request,
    case when cardinality(p_failed) = 0 then 'done' else 'failed' end, p_intent,
    json_build_object('run', p_run, 'deleted', cardinality(p_deleted), 'failed', cardinality(p_failed))::text));`,
  { declare: '  v_plan privacy_console.plan;' },
)}
${definer(
  'end_run(p_run bigint, p_objects_left bigint)',
  'jsonb',
  `  perform privacy_console.only_write();
  -- Two consoles may have run the same plan; one of them ends it.
  perform 1 from privacy_console.run r where r.id = p_run for update;
  v_plan := privacy_console.running_plan(p_run);
  if p_objects_left is null or p_objects_left < 0 then
    raise exception 'Say how many objects are left.' using errcode = 'PC004';
  end if;
  select s.key, s.kind into v_key, v_kind from privacy_console.subject s where s.reference = v_plan.subject;
  select r.entry into v_intent from privacy_console.run r where r.id = p_run;
  -- A number is typed in many ways; its digits are what tells it.
  select k.controller, case when k.by_value then translate(v_key, translate(v_key, '0123456789', ''), '') end into v_controller, v_number
    from privacy_console.subject_kind k where k.kind = v_kind;
  -- What the bucket still holds is the client's word; an object without a result is left whatever it says.
  select greatest(p_objects_left, count(*)) into v_objects from privacy_console.plan_object o where o.plan = v_plan.id and o.state <> 'deleted';
  -- Look again: what the plan was to remove is counted anew.
  v_counted := (select coalesce(jsonb_agg(x), '[]') from privacy_console.rows_to_erase(v_kind, v_key, v_plan.scope, v_plan.subject) x where x.action <> 'keep');
  update privacy_console.run_step t set remaining = case l.action
      when 'objects' then v_objects
      when 'hand_over' then (select count(*) from privacy_console.shared_rows(v_kind, v_key) s
        join privacy_console.plan_decision d on d.plan = v_plan.id and d.chosen = 'hand_over' and d.row_key = s.row_key)
      when 'anonymise_shared' then (select count(*) from privacy_console.shared_rows(v_kind, v_key) s
          join privacy_console.plan_decision d on d.plan = v_plan.id and d.chosen = 'anonymise' and d.row_key = s.row_key)
        + privacy_console.shared_left(v_kind, l.collection, (select array_agg(d.row_key) from privacy_console.plan_decision d
          where d.plan = v_plan.id and d.chosen = 'anonymise' and d.collection = l.collection), v_plan.subject)
      else coalesce((select x.planned from jsonb_to_recordset(v_counted) x(collection text, action text, planned bigint)
        where x.collection = l.collection and x.action = l.action), 0) end
    from privacy_console.plan_line l where l.plan = v_plan.id and l.step = t.step and t.run = p_run;
  select coalesce(sum(t.remaining), 0) into v_left from privacy_console.run_step t where t.run = p_run;
  -- Rows that came after the plan was made are found too, even in collections the plan has no line for.
  v_left := v_left + (select coalesce(sum(x.planned), 0) from jsonb_to_recordset(v_counted) x(collection text, action text, planned bigint)
    where not exists (select from privacy_console.plan_line l where l.plan = v_plan.id and l.collection = x.collection and l.action = x.action));
  update privacy_console.run r set objects_left = v_objects where r.id = p_run;
  -- What people have to do besides keeps it open as well.
  select count(*) into v_tasks from privacy_console.plan_task t where t.plan = v_plan.id and t.done_at is null;
  -- What a hold covers keeps it open too, and the person known: it goes once two people have lifted that.
  select string_agg(distinct h.id::text, ', ') into v_holds from privacy_console.hold h
    where h.lifted_at is null and (h.subject = v_plan.subject or exists (select from privacy_console.held_rows(v_kind, v_key, v_plan.scope, h.id)));
  -- So does what was found again until somebody has said why it stays, and where nobody has looked.
  v_finds := privacy_console.open_finds(p_run);
  v_unlooked := privacy_console.unlooked(p_run);
  if v_left > 0 or v_objects > 0 or v_tasks > 0 or v_holds is not null or v_finds > 0 or v_unlooked > 0 then
    update privacy_console.run r set state = 'incomplete' where r.id = p_run;
    update privacy_console.request r set state = 'in_progress' where r.id = v_plan.request and r.state = 'waiting_approval';
    return jsonb_build_object('ok', true, 'complete', false, 'left', v_left, 'tasks', v_tasks, 'holds', v_holds, 'finds', v_finds) || privacy_console.receipt(
      privacy_console.append('erasure.incomplete', v_plan.subject, v_plan.request, 'failed', null,
        json_build_object('run', p_run, 'left', v_left, 'tasks', v_tasks, 'holds', v_holds, 'finds', v_finds, 'unlooked', v_unlooked)::text));
  end if;
  v_text := '{"actors":{"approved":' || (select json_agg(b.login order by a.id)::text from privacy_console.approval a join privacy_console.staff b on b.id = a.staff where a.plan = v_plan.id and a.decision = 'approve')
    || ',"planned":' || (select to_json(b.login)::text from privacy_console.staff b where b.id = v_plan.staff)
    || ',"ran":' || to_json(session_user::text)::text || '}'
    || ',"certificate":1'
    || ',"controller":' || coalesce(to_json(v_controller)::text, 'null')
    || ',"entries":' || (select json_agg(e.number order by e.number)::text from privacy_console.entry e where e.request = v_plan.request and e.subject = v_plan.subject and e.action not in ('erasure.batch'))
    || ',"finds":' || privacy_console.finds_of(p_run)::text
    || ',"finished":"' || to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '"'
    || ',"kept":' || (select coalesce(json_agg(json_build_object('collection', l.collection, 'rows', l.planned, 'because', l.because, 'until', to_char(l.until at time zone 'UTC', 'YYYY-MM-DD')) order by l.step), '[]')::text
        from privacy_console.plan_line l where l.plan = v_plan.id and l.action = 'keep')
    || ',"kind":' || to_json(v_kind)::text
    || ',"map":' || to_json(v_plan.map_hash)::text || ',"outcomes":' || privacy_console.outcomes_of(p_run)::text
    || ',"plan":' || to_json(v_plan.sha256)::text || ',"remains":' || privacy_console.what_remains()::text || ',"request":' || v_plan.request
    || ',"started":"' || (select to_char(r.started_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') from privacy_console.run r where r.id = p_run) || '"'
    || ',"steps":' || (select coalesce(json_agg(json_build_object('collection', l.collection, 'action', l.action, 'planned', l.planned, 'done', t.done, 'left', t.remaining) order by t.step), '[]')::text
        from privacy_console.run_step t join privacy_console.plan_line l on l.plan = v_plan.id and l.step = t.step where t.run = p_run)
    || ',"subject":' || to_json(v_plan.subject)::text
    || ',"tasks":' || (select coalesce(json_agg(json_build_object('title', t.title, 'owner', t.owner, 'done', to_char(t.done_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), 'by', b.login, 'entry', t.entry) order by t.name), '[]')::text
        from privacy_console.plan_task t join privacy_console.staff b on b.id = t.done_by where t.plan = v_plan.id)
    -- So that it can be read where the map is not.
    || ',"places":' || (select coalesce(json_object_agg(c.value ->> 'name', json_build_array(c.value ->> 'title', c.value ->> 'table') order by c.value ->> 'name'), '{}')::text
        from privacy_console.data_map d cross join lateral jsonb_array_elements(d.described -> 'collections') c(value)
        where d.hash = v_plan.map_hash and (c.value -> 'kinds' ? v_kind or exists (select from privacy_console.run_find f where f.run = p_run and f.collection = c.value ->> 'name')))
    || ',"prefixes":' || (select coalesce(json_agg(distinct c.value ->> 'objectPrefix'), '[]')::text
        from privacy_console.data_map d cross join lateral jsonb_array_elements(d.described -> 'collections') c(value)
        where d.hash = v_plan.map_hash and c.value ->> 'objectPrefix' is not null and c.value -> 'kinds' ? v_kind)
    || ',"received":' || (select to_json(to_char(r.received_on, 'YYYY-MM-DD'))::text from privacy_console.request r where r.id = v_plan.request)
    || ',"uploads":' || (select coalesce(r.uploads_ended::text, 'null') from privacy_console.run r where r.id = p_run) || '}';
  update privacy_console.run r set state = 'done', finished_at = clock_timestamp() where r.id = p_run;
  perform privacy_console.keep_identities(v_plan);
  perform privacy_console.journal_kept(v_plan);
  -- Forget what named the person; the keyed hash stays, so that the story can be found again by who knows the key.
  update privacy_console.plan p set state = 'done' where p.id = v_plan.id;
  update privacy_console.plan p set carried = '{}' where p.subject = v_plan.subject;
  delete from privacy_console.plan_announcement a where a.plan = v_plan.id;
  perform privacy_console.forget_plans(v_plan.subject);
  update privacy_console.subject s set key = null, erased_at = clock_timestamp() where s.reference = v_plan.subject;
  update privacy_console.access a set closed_at = clock_timestamp() where a.subject = v_plan.subject and a.closed_at is null;
  -- Nor does any export of them go on.
  perform privacy_console.give_up_export(x) from (
    select e from privacy_console.export e where e.subject = v_plan.subject and e.state in ('review', 'running') order by e.id for update) y(x);
  update privacy_console.reveal v set row_key = '' from privacy_console.access a where a.id = v.access and a.subject = v_plan.subject;
  delete from privacy_console.redaction r where r.subject = v_plan.subject;
  perform privacy_console.forget_restrictions(v_plan.subject);
  delete from privacy_console.detail d using privacy_console.entry e
    where e.number = d.entry and e.subject = v_plan.subject and (e.action in ('reveal.intended', 'row.acted', 'export.redacted', 'export.redaction_withdrawn') or e.action like 'custody.%' or e.action like 'correction.%');
  -- What was typed to find the person: all of it under the person's requests, elsewhere where it names an identifier.
  delete from privacy_console.detail d using privacy_console.entry e
    where e.number = d.entry and (e.subject = v_plan.subject or e.subject is null) and (
      (e.action = 'search.intended' and e.request in (select r.id from privacy_console.request r where r.subject = v_plan.subject))
      or (e.action in ('search.intended', 'access.opened') and exists (
        select from jsonb_each(v_plan.scope) k(name, keys) cross join lateral jsonb_array_elements_text(k.keys) v(value)
        where k.name <> '/names' and length(v.value) > 5 and position(lower(v.value) in lower(d.text)) > 0))
      or (e.action in ('search.intended', 'access.opened') and position(lower(v_key) in lower(d.text)) > 0)
      or (e.action = 'search.intended' and exists (
        select from (select translate(w.text, translate(w.text, '0123456789', ''), '')
            from (select case e.action when 'search.intended' then d.text::json ->> 'text' end) w(text)) t(typed)
        where (length(t.typed) >= 7 and position(t.typed in v_number) > 0)
          or (length(ltrim(t.typed, '0')) >= 7 and position(ltrim(t.typed, '0') in v_number) > 0)
          or (length(ltrim(v_number, '0')) >= 7 and position(ltrim(v_number, '0') in t.typed) > 0))));
  update privacy_console.request r set state = 'in_progress' where r.id = v_plan.request and r.state = 'waiting_approval';
  perform privacy_console.forget_corrections(v_plan.subject);
  v_entry := privacy_console.append('erasure.finished', v_plan.subject, v_plan.request, 'done', v_intent,
    json_build_object('plan', v_plan.sha256, 'certificate', encode(sha256(convert_to(v_text, 'UTF8')), 'hex'))::text);
  insert into privacy_console.certificate (plan, text, sha256, entry)
    values (v_plan.id, v_text, encode(sha256(convert_to(v_text, 'UTF8')), 'hex'), v_entry);
  perform privacy_console.end_item(v_plan);
  return jsonb_build_object('ok', true, 'complete', true, 'left', 0, 'tasks', 0, 'finds', 0) || privacy_console.receipt(v_entry);`,
  {
    declare:
      '  v_plan privacy_console.plan; v_key text; v_kind text; v_counted jsonb; v_controller text; v_number text; v_left bigint; v_objects bigint; v_tasks bigint; v_holds text; v_finds bigint; v_unlooked bigint; v_text text; v_entry bigint; v_intent bigint;',
  },
)}
${definer(
  'read_certificate(p_plan bigint)',
  'table (text text, sha256 text, entry bigint)',
  `  perform privacy_console.caller(array['viewer', 'operator', 'approver', 'auditor', 'admin']);
  return query select c.text, c.sha256, c.entry from privacy_console.certificate c where c.plan = p_plan;`,
)}
`;

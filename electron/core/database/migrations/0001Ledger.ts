import { definer, step } from '../pins.ts';

/** What the signed lines of a ledger look like: keyed hashes and opaque numbers, nothing else. */
const hex = '^[0-9a-f]{64}$';
const everyone = "array['viewer', 'operator', 'approver', 'auditor', 'admin']";

/**
 * The ledger of deletions: who was erased, as keyed hashes, in a file that lies
 * outside the database's backups; and the search for those of it who are there
 * again. What reads the platform is generated from the data map
 * (`people_among`). Run as the trail's owner.
 */
export const ledger = `
-- Each time a ledger was saved: what ended after \`intent\` may be missing in it.
create table privacy_console.ledger_saving (
  id bigint generated always as identity primary key,
  staff bigint not null references privacy_console.staff,
  at timestamptz not null default clock_timestamp(),
  -- Of the whole file, hex.
  sha256 text not null,
  count bigint not null,
  intent bigint not null,
  entry bigint not null
);

create table privacy_console.replay (
  id bigint generated always as identity primary key,
  staff bigint not null references privacy_console.staff,
  started_at timestamptz not null default clock_timestamp(),
  finished_at timestamptz,
  state text not null default 'reading' check (state in ('reading', 'searching', 'done', 'failed')),
  sha256 text not null,
  signer text not null,
  -- Whether the signer was named by hand instead of being in the registry, and how many deletions a later ledger has that the trail knows.
  named boolean not null,
  behind bigint not null,
  count bigint not null,
  -- What the signed end says the lines lead to, and where those that were read have led.
  chain bytea not null,
  read_to bytea not null,
  entry bigint not null references privacy_console.entry
);

-- A deletion of the ledger; its hashes go when the search has ended.
create table privacy_console.replay_line (
  replay bigint not null references privacy_console.replay,
  number bigint not null,
  kind text not null,
  subject text not null,
  key_hash bytea,
  erased_at timestamptz not null,
  outcome text check (outcome in ('came_back', 'new_since', 'address')),
  -- Of who is there; only until the request is open.
  found_key text,
  found text references privacy_console.subject,
  request bigint references privacy_console.request,
  primary key (replay, number)
);
create index replay_line_key on privacy_console.replay_line (replay, key_hash) where key_hash is not null;
create index replay_line_found on privacy_console.replay_line (replay, number) where outcome is not null;
create table privacy_console.replay_hash (
  replay bigint not null,
  hash bytea not null,
  number bigint not null,
  primary key (replay, hash, number)
);

-- Where the search stands: the last key it has looked at of each part of the map.
create table privacy_console.replay_part (
  replay bigint not null references privacy_console.replay,
  kind text not null,
  part text not null,
  after text,
  searched bigint not null default 0,
  finished boolean not null default false,
  primary key (replay, kind, part)
);

${step(
  'ledger_secret()',
  'text',
  `  -- Tells two secrets apart, and neither of them to anybody.
  return encode(privacy_console.keyed_hash('ledger', ''), 'hex');`,
)}
${definer(
  'begin_ledger()',
  'jsonb',
  `  perform privacy_console.only_write();
  perform privacy_console.caller(array['operator']);
  v_entry := privacy_console.append('ledger.saved', null, null, 'intent', null, null);
  return (select jsonb_build_object('ok', true, 'installation', i.id, 'secret', privacy_console.ledger_secret()) from privacy_console.installation i)
    || privacy_console.receipt(v_entry);`,
  { declare: '  v_entry bigint;' },
)}
${step(
  'ledger_intent(p_intent bigint)',
  'void',
  `  perform privacy_console.caller(array['operator']);
  if not exists (select from privacy_console.entry e where e.number = p_intent and e.action = 'ledger.saved' and e.outcome = 'intent' and e.actor = session_user::text
      and not exists (select from privacy_console.entry f where f.intent = p_intent)) then
    raise exception 'No saving of the ledger of yours is under way; begin one.' using errcode = 'PC005';
  end if;`,
)}
${definer(
  'ledger_lines(p_intent bigint, p_after bigint, p_limit int)',
  'table (run bigint, line text)',
  `  perform privacy_console.ledger_intent(p_intent);
  if pg_current_xact_id_if_assigned() is not null then
    raise exception 'This transaction has already written; commit the announcement first.' using errcode = 'PC003';
  end if;
  -- What ended, and what has begun to go of who has not been erased since.
  return query select r.id,
      '{"at":"' || to_char(coalesce(r.finished_at, r.started_at) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '"'
      || ',"certificate":' || coalesce('"' || c.sha256 || '"', 'null')
      || ',"hashes":' || (select coalesce(json_agg(encode(h.hash, 'hex') order by h.hash), '[]')::text from (
          select i.hash from privacy_console.erased_identity i where c.plan is not null and i.subject = u.reference
          union select privacy_console.keyed_hash(f.form, v.value) from unnest(array['email', 'phone']) f(form)
            cross join lateral unnest(privacy_console.scope_values(p.scope, '/' || f.form || 's')) v(value) where c.plan is null) h)
      || ',"key":"' || encode(u.key_hash, 'hex') || '"'
      || ',"kind":' || to_json(u.kind)::text
      || ',"plan":"' || p.sha256 || '"'
      || ',"run":' || r.id
      || ',"state":"' || case when c.plan is null then 'partial' else 'done' end || '"'
      || ',"subject":"' || u.reference || '"}'
    from privacy_console.run r join privacy_console.plan p on p.id = r.plan join privacy_console.subject u on u.reference = p.subject
      left join privacy_console.certificate c on c.plan = p.id
    where r.id > p_after and (c.plan is not null or (u.erased_at is null and privacy_console.has_gone(r.id)))
    order by r.id limit least(p_limit, 1000);`,
)}
${step(
  'has_gone(p_run bigint)',
  'boolean',
  `  -- Whether anything of the person has been removed, or may have been.
  return exists (select from privacy_console.run r join privacy_console.run_step t on t.run = r.id
      join privacy_console.plan_line l on l.plan = r.plan and l.step = t.step where r.id = p_run and l.action <> 'quiesce' and t.done > 0)
    or exists (select from privacy_console.run r join privacy_console.plan_announcement a on a.plan = r.plan where r.id = p_run);`,
)}
${definer(
  'end_ledger(p_intent bigint, p_sha256 text, p_count bigint, p_code text)',
  'jsonb',
  `  -- Of a file that is written and has not its name yet; a code where it couldn't be.
  perform privacy_console.only_write();
  perform privacy_console.ledger_intent(p_intent);
  if p_code is not null then
    return jsonb_build_object('ok', true) || privacy_console.receipt(
      privacy_console.append('ledger.saved', null, null, 'failed', p_intent, json_build_object('code', left(p_code, 40))::text));
  end if;
  if p_sha256 is null or p_sha256 !~ '${hex}' or p_count is null or p_count < 0 then
    raise exception 'Say the SHA-256 of the ledger and how many deletions are in it.' using errcode = 'PC004';
  end if;
  v_entry := privacy_console.append('ledger.saved', null, null, 'done', p_intent, json_build_object('sha256', p_sha256, 'count', p_count)::text);
  insert into privacy_console.ledger_saving (staff, sha256, count, intent, entry)
    values (privacy_console.caller(array['operator']), p_sha256, p_count, p_intent, v_entry);
  return jsonb_build_object('ok', true) || privacy_console.receipt(v_entry);`,
  { declare: '  v_entry bigint;' },
)}
${definer(
  'ledger_state()',
  'table (saved_at timestamptz, saved_by text, sha256 text, count bigint, entry bigint, since bigint)',
  `  perform privacy_console.caller(${everyone});
  select v.* into v_last from privacy_console.ledger_saving v order by v.id desc limit 1;
  return query select v_last.at, (select s.login from privacy_console.staff s where s.id = v_last.staff), v_last.sha256, v_last.count, v_last.entry,
    (select count(*) from privacy_console.certificate c where c.entry > coalesce(v_last.intent, 0))
      + (select count(*) from privacy_console.run r join privacy_console.plan p on p.id = r.plan join privacy_console.subject u on u.reference = p.subject
          where r.entry > coalesce(v_last.intent, 0) and u.erased_at is null and privacy_console.has_gone(r.id)
            and not exists (select from privacy_console.certificate c where c.plan = r.plan));`,
  { declare: '  v_last privacy_console.ledger_saving;' },
)}
${definer(
  'knows_ledger(p_sha256 text, p_signer text)',
  'boolean',
  `  -- Whether exactly this file was saved as the trail has it, or its signer is a member of staff whose key is not retired.
  perform privacy_console.caller(array['operator']);
  return exists (select from privacy_console.ledger_saving v where v.sha256 = p_sha256)
    or exists (select from privacy_console.signing_key k where k.fingerprint = p_signer and k.retired_at is null);`,
)}
${definer(
  'begin_replay(p_header text, p_end text, p_sha256 text, p_signer text, p_named boolean)',
  'jsonb',
  `  -- Committed before a line is read or anybody is looked for: what it finds tells who was erased.
  perform privacy_console.only_write();
  v_staff := privacy_console.caller(array['operator']);
  begin
    v_header := p_header::jsonb; v_end := p_end::jsonb; v_count := (v_end ->> 'count')::bigint; v_chain := decode(v_end ->> 'chain', 'hex');
  exception when others then
    v_header := null;
  end;
  if v_header is null or v_header ->> 'format' is distinct from 'privacy-console-ledger' or v_header ->> 'version' is distinct from '1'
      or length(v_chain) is distinct from 32 or coalesce(v_count, -1) < 0 or p_sha256 is null or p_sha256 !~ '${hex}' or p_signer is null or length(p_signer) > 100 or p_named is null then
    raise exception 'This is no ledger of deletions that this console reads.' using errcode = 'PC004';
  end if;
  select i.* into v_installation from privacy_console.installation i;
  if v_header ->> 'installation' is distinct from v_installation.id::text then
    return privacy_console.refused('ledger.replayed', null, null, 'refused', 'This ledger is of another installation of the console; nobody can be found by it here.');
  elsif v_header ->> 'secret' is distinct from privacy_console.ledger_secret() then
    return privacy_console.refused('ledger.replayed', null, null, 'refused', 'This ledger was made with another secret than this database holds, so that nobody can be found by it; restore a backup that holds the console''s schema as it was.');
  elsif not p_named and not privacy_console.knows_ledger(p_sha256, p_signer) then
    return privacy_console.refused('ledger.replayed', null, null, 'refused', 'Nobody of the staff holds the key this ledger is signed with, or it was retired; name the signer if you know whose key it is.');
  end if;
  v_entry := privacy_console.append('ledger.replayed', null, null, 'intent', null,
    json_build_object('sha256', p_sha256, 'count', v_count, 'signer', p_signer, 'named', p_named)::text);
  insert into privacy_console.replay (staff, sha256, signer, named, behind, count, chain, read_to, entry)
    values (v_staff, p_sha256, p_signer, p_named,
      (select greatest(0, coalesce(max(v.count), 0) - v_count) from privacy_console.ledger_saving v), v_count, v_chain,
      sha256(sha256('\\x00'::bytea || convert_to(p_header, 'UTF8'))), v_entry) returning id into v_id;
  return jsonb_build_object('ok', true, 'replay', v_id) || privacy_console.receipt(v_entry);`,
  {
    declare:
      '  v_staff bigint; v_header jsonb; v_end jsonb; v_count bigint; v_chain bytea; v_installation privacy_console.installation; v_entry bigint; v_id bigint;',
  },
)}
${definer(
  'my_replay(p_replay bigint, p_state text)',
  'privacy_console.replay',
  `  v_staff := privacy_console.caller(array['operator']);
  select r.* into v_replay from privacy_console.replay r where r.id = p_replay and r.staff = v_staff and r.state = p_state for update;
  if v_replay.id is null then
    raise exception 'No such check against a ledger of yours is under way; begin it again.' using errcode = 'PC005';
  end if;
  return v_replay;`,
  { declare: '  v_staff bigint; v_replay privacy_console.replay;' },
)}
${definer(
  'replay_lines(p_replay bigint, p_lines text[])',
  'jsonb',
  `  -- In their order, which the signed end tells: none can be added, left out, changed or moved.
  perform privacy_console.only_write();
  v_replay := privacy_console.my_replay(p_replay, 'reading');
  if p_lines is null or cardinality(p_lines) > 1000 then
    raise exception 'At most 1000 lines are read at a time.' using errcode = 'PC004';
  end if;
  select count(*) into v_number from privacy_console.replay_line l where l.replay = p_replay;
  begin
    foreach v_text in array p_lines loop
      v_number := v_number + 1;
      v_replay.read_to := sha256(v_replay.read_to || sha256('\\x00'::bytea || convert_to(v_text, 'UTF8')));
      v_line := v_text::jsonb;
      if v_line ->> 'subject' !~ '^S-[0-9A-F]{12}$' or v_line ->> 'key' !~ '${hex}' then
        raise exception 'no line';
      end if;
      insert into privacy_console.replay_line (replay, number, kind, subject, key_hash, erased_at)
        values (p_replay, v_number, v_line ->> 'kind', v_line ->> 'subject', decode(v_line ->> 'key', 'hex'), (v_line ->> 'at')::timestamptz);
      insert into privacy_console.replay_hash (replay, hash, number)
        select distinct p_replay, decode(h.value, 'hex'), v_number from jsonb_array_elements_text(v_line -> 'hashes') h(value);
    end loop;
  exception when others then
    raise exception 'Line % of the ledger is none.', v_number using errcode = 'PC004';
  end;
  if v_number > v_replay.count or (v_number = v_replay.count and v_replay.read_to <> v_replay.chain) then
    raise exception 'The lines of the ledger are not those that were signed.' using errcode = 'PC007';
  end if;
  update privacy_console.replay r set read_to = v_replay.read_to, state = case when v_number = r.count then 'searching' else r.state end where r.id = p_replay;
  if v_number = v_replay.count then
    insert into privacy_console.replay_part (replay, kind, part) select p_replay, p.kind, p.part from privacy_console.people_parts() p;
  end if;
  return jsonb_build_object('ok', true, 'read', v_number);`,
  {
    declare: '  v_replay privacy_console.replay; v_number bigint; v_text text; v_line jsonb;',
  },
)}
${definer(
  'replay_batch(p_replay bigint, p_limit int default 5000)',
  'jsonb',
  `  -- Tells nothing but how far it is: who is there is read with the replay, once this is committed.
  perform privacy_console.only_write();
  v_replay := privacy_console.my_replay(p_replay, 'searching');
  perform privacy_console.refuse_where_unsafe();
  if p_limit is null or p_limit not between 1 and 50000 then
    raise exception 'A batch looks at 1 to 50000 people.' using errcode = 'PC004';
  end if;
  select p.* into v_part from privacy_console.replay_part p where p.replay = p_replay and not p.finished order by p.kind, p.part limit 1;
  if v_part.replay is not null then
    select i.secret into v_secret from privacy_console.installation i;
    with person as materialized (
      select a.key, a.created, a.email, a.phone, a.after, a.place
        from privacy_console.people_among(v_part.kind, v_part.part, v_part.after, p_limit) with ordinality a(key, created, email, phone, after, place)),
    hashed as materialized (
      select p.key, p.created, sha256(v_secret || convert_to(v_part.kind || ':' || p.key, 'UTF8')) as key_hash,
        array_remove(array[
          sha256(v_secret || sha256(v_secret || convert_to('email:' || privacy_console.identifier('email', p.email), 'UTF8'))),
          sha256(v_secret || sha256(v_secret || convert_to('phone:' || privacy_console.identifier('phone', p.phone), 'UTF8')))], null) as hashes
      from person p),
    found as (
      select l.number, h.key, case when h.created > l.erased_at then 'new_since' else 'came_back' end as outcome
        from hashed h join privacy_console.replay_line l on l.replay = p_replay and l.key_hash = h.key_hash and l.kind = v_part.kind
      union all
      select l.number, h.key, case when h.created > l.erased_at then 'new_since' else 'address' end
        from hashed h cross join lateral unnest(h.hashes) x(hash)
          join privacy_console.replay_hash y on y.replay = p_replay and y.hash = x.hash
          join privacy_console.replay_line l on l.replay = p_replay and l.number = y.number and l.kind = v_part.kind and l.key_hash <> h.key_hash),
    best as (
      select distinct on (f.number) f.number, f.key, f.outcome from found f
        order by f.number, array_position(array['came_back', 'new_since', 'address'], f.outcome), f.key),
    told as (
      update privacy_console.replay_line l set outcome = b.outcome, found_key = b.key from best b
        where l.replay = p_replay and l.number = b.number
          and (l.outcome is null or array_position(array['came_back', 'new_since', 'address'], b.outcome) < array_position(array['came_back', 'new_since', 'address'], l.outcome)))
    select count(*), (array_agg(p.after order by p.place desc))[1] into v_rows, v_after from person p;
    update privacy_console.replay_part p set after = coalesce(v_after, p.after), searched = p.searched + v_rows, finished = v_after is null or v_rows < p_limit
      where p.replay = p_replay and p.kind = v_part.kind and p.part = v_part.part;
  end if;
  return (select jsonb_build_object('ok', true, 'searched', sum(p.searched), 'more', bool_or(not p.finished)) from privacy_console.replay_part p where p.replay = p_replay);`,
  {
    declare:
      '  v_replay privacy_console.replay; v_part privacy_console.replay_part; v_secret bytea; v_rows bigint; v_after text;',
  },
)}
${definer(
  'open_replayed(p_replay bigint)',
  'jsonb',
  `  -- Nothing is deleted here: who came back gets a request, with plan, approval by another person and run like any other.
  perform privacy_console.only_write();
  v_replay := privacy_console.my_replay(p_replay, 'searching');
  if exists (select from privacy_console.replay_part p where p.replay = p_replay and not p.finished) then
    raise exception 'The search has not ended.' using errcode = 'PC006';
  end if;
  for v_line in select l.* from privacy_console.replay_line l
      where l.replay = p_replay and l.outcome is not null and l.found_key is not null order by l.number limit 100 for update loop
    v_subject := null;
    v_request := null;
    if v_line.outcome = 'came_back' then
      select s.reference into v_subject from privacy_console.subject s where s.kind = v_line.kind and s.key = v_line.found_key;
      if v_subject is null then
        -- Under the reference of the certificate, where that is free: not so where the console's own schema was not restored.
        insert into privacy_console.subject (kind, reference, key, key_hash)
          select v_line.kind, case when exists (select from privacy_console.subject s where s.reference = v_line.subject)
              then 'S-' || upper(substr(replace(gen_random_uuid()::text, '-', ''), 1, 12)) else v_line.subject end, v_line.found_key, v_line.key_hash
          returning reference into v_subject;
      end if;
      select r.id into v_request from privacy_console.request r
        where r.subject = v_subject and r.kind = 'deletion' and r.state <> 'closed' order by r.id limit 1;
      if v_request is null then
        insert into privacy_console.request (kind, received_on, due_on, message, subject, opened_by)
          select 'deletion', d.today, d.today + privacy_console.setting_of('answer_days'),
              'Came back with a restored backup: erased before, on ' || to_char(v_line.erased_at at time zone 'UTC', 'YYYY-MM-DD') || ', as the ledger of deletions has it.', v_subject, v_replay.staff
            from (select (clock_timestamp() at time zone 'Asia/Kolkata')::date) d(today)
          returning id into v_request;
        perform privacy_console.append('request.opened', v_subject, v_request, 'done', v_replay.entry,
          json_build_object('kind', 'deletion', 'source', 'restored backup', 'replay', p_replay)::text);
      end if;
    else
      v_subject := privacy_console.references_of(v_line.kind, array[v_line.found_key]) ->> v_line.found_key;
    end if;
    update privacy_console.replay_line l set found = v_subject, request = v_request, found_key = null where l.replay = p_replay and l.number = v_line.number;
  end loop;
  return jsonb_build_object('ok', true, 'more', exists (select from privacy_console.replay_line l where l.replay = p_replay and l.outcome is not null and l.found_key is not null));`,
  {
    declare:
      '  v_replay privacy_console.replay; v_line privacy_console.replay_line; v_subject text; v_request bigint;',
  },
)}
${definer(
  'end_replay(p_replay bigint, p_code text)',
  'jsonb',
  `  -- A code where it could not go on.
  perform privacy_console.only_write();
  v_staff := privacy_console.caller(array['operator']);
  select r.* into v_replay from privacy_console.replay r where r.id = p_replay and r.staff = v_staff and r.state in ('reading', 'searching') for update;
  if v_replay.id is null then
    raise exception 'No such check against a ledger of yours is under way.' using errcode = 'PC005';
  end if;
  if p_code is null and (v_replay.state = 'reading' or exists (select from privacy_console.replay_part p where p.replay = p_replay and not p.finished)
      or exists (select from privacy_console.replay_line l where l.replay = p_replay and l.found_key is not null)) then
    raise exception 'The check has not ended.' using errcode = 'PC006';
  end if;
  delete from privacy_console.replay_hash h where h.replay = p_replay;
  update privacy_console.replay_line l set key_hash = null, found_key = null where l.replay = p_replay;
  update privacy_console.replay r set state = case when p_code is null then 'done' else 'failed' end, finished_at = clock_timestamp() where r.id = p_replay;
  return jsonb_build_object('ok', true) || privacy_console.receipt(
    privacy_console.append('ledger.replayed', null, null, case when p_code is null then 'done' else 'failed' end, v_replay.entry,
      json_build_object('sha256', v_replay.sha256, 'code', left(p_code, 40), 'found', (select coalesce(json_object_agg(x.outcome, x.number), '{}') from (
        select l.outcome, count(*) from privacy_console.replay_line l where l.replay = p_replay and l.outcome is not null group by l.outcome) x(outcome, number)))::text));`,
  { declare: '  v_staff bigint; v_replay privacy_console.replay;' },
)}
${definer(
  'replays(p_replay bigint, p_after bigint, p_limit int)',
  'setof jsonb',
  `  perform privacy_console.caller(${everyone});
  -- What is not committed would leave no trace.
  if pg_current_xact_id_if_assigned() is not null then
    raise exception 'This transaction has already written; commit it before reading.' using errcode = 'PC003';
  end if;
  return query select jsonb_build_object('id', r.id, 'by', s.login, 'startedAt', r.started_at, 'finishedAt', r.finished_at, 'state', r.state,
      'sha256', r.sha256, 'signer', r.signer, 'named', r.named, 'behind', r.behind, 'count', r.count, 'entry', r.entry,
      'searched', (select coalesce(sum(p.searched), 0) from privacy_console.replay_part p where p.replay = r.id),
      'cameBack', count(l.number) filter (where l.outcome = 'came_back'), 'newSince', count(l.number) filter (where l.outcome = 'new_since'),
      'address', count(l.number) filter (where l.outcome = 'address'),
      -- Only what is through: before, requests are still being opened.
      'found', case when r.state <> 'done' then '[]' else (select coalesce(jsonb_agg(jsonb_build_object('number', f.number, 'kind', f.kind, 'was', f.subject, 'erasedAt', f.erased_at,
          'outcome', f.outcome, 'subject', f.found, 'request', f.request) order by f.number), '[]') from (
        select x.* from privacy_console.replay_line x where x.replay = r.id and x.outcome is not null and x.number > p_after order by x.number limit least(p_limit, 500)) f) end)
    from privacy_console.replay r join privacy_console.staff s on s.id = r.staff
      left join privacy_console.replay_line l on l.replay = r.id and l.outcome is not null
    where p_replay is null or r.id = p_replay
    group by r.id, s.login order by r.id desc limit case when p_replay is null then 5 end;`,
)}
`;

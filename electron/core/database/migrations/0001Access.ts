import { definer, planPins, step } from '../pins.ts';

/** Requests, accesses, searches and reveals: what must be committed before anything is read; run as the trail's owner. */
export const access = `
create table privacy_console.request (
  id bigint generated always as identity (start with 1001) primary key,
  kind text not null check (kind in ('access', 'correction', 'deletion', 'export')),
  state text not null default 'open' check (state in ('open', 'in_progress', 'waiting_approval', 'closed')),
  subject text references privacy_console.subject,
  -- What the person wrote; the only personal data of a request, erasable by itself.
  message text not null default '',
  received_on date not null,
  due_on date not null,
  assignee bigint references privacy_console.staff,
  opened_by bigint not null references privacy_console.staff,
  opened_at timestamptz not null default clock_timestamp(),
  closed_at timestamptz,
  outcome text check (outcome in ('done', 'refused', 'withdrawn', 'no_such_person'))
);
create index request_due on privacy_console.request (due_on, id) where state <> 'closed';
create index request_subject on privacy_console.request (subject);

create table privacy_console.access (
  id bigint generated always as identity primary key,
  staff bigint not null references privacy_console.staff,
  login_oid oid not null,
  kind text not null check (kind in ('view', 'export', 'erasure')),
  subject text not null references privacy_console.subject,
  request bigint references privacy_console.request,
  opened_at timestamptz not null,
  -- The top-level transaction; a test on xmin is beaten by a savepoint.
  opened_xact xid8 not null,
  expires_at timestamptz not null,
  closed_at timestamptz,
  entry bigint not null references privacy_console.entry
);
create index access_open on privacy_console.access (login_oid, expires_at) where closed_at is null;
create index access_recent on privacy_console.access (staff, subject, opened_at);

-- Written by intend_search alone, for who just called and the entry it just made: without foreign keys, which
-- would take a tenth of a search.
create table privacy_console.search (
  id bigint generated always as identity primary key,
  staff bigint not null,
  login_oid oid not null,
  max_hits int not null,
  intended_xact xid8 not null,
  intended_at timestamptz not null,
  run_at timestamptz,
  entry bigint not null
);

create table privacy_console.reveal (
  id bigint generated always as identity primary key,
  access bigint not null references privacy_console.access,
  collection text not null,
  row_key text not null,
  column_name text not null,
  intended_xact xid8 not null,
  intended_at timestamptz not null,
  shown_at timestamptz,
  entry bigint not null references privacy_console.entry
);

${step('my_oid()', 'oid', `  return to_regrole(quote_ident(session_user));`)}
-- The opaque reference of each key, made where there is none yet; keys of who was erased are left out.
${definer(
  'references_of(p_kind text, p_keys text[])',
  'jsonb',
  `  select coalesce(jsonb_object_agg(s.key, s.reference), '{}') into v_known from privacy_console.subject s where s.kind = p_kind and s.key = any (p_keys);
  if v_known ?& p_keys then
    return v_known;
  end if;
  -- Who was erased and came back under the same key stays hidden: the hash of the key is kept. Not so who is told by
  -- a value: a number that is written to again has new rows, and whoever has it has the same rights again.
  select k.by_value into v_by_value from privacy_console.subject_kind k where k.kind = p_kind;
  insert into privacy_console.subject (kind, reference, key, key_hash)
    select p_kind, 'S-' || upper(substr(replace(gen_random_uuid()::text, '-', ''), 1, 12)), k.key, h.hash
      from unnest(p_keys) k(key) cross join privacy_console.installation i
      cross join lateral (select sha256(i.secret || convert_to(p_kind || ':' || k.key, 'UTF8')) as hash) h
      where not v_known ? k.key
        -- Scalar, so that the planner asks the index for each key instead of reading everybody.
        and (v_by_value or (select count(*) from privacy_console.subject s where s.key_hash = h.hash and s.erased_at is not null) = 0)
    on conflict (kind, key) where key is not null do nothing;
  return (select coalesce(jsonb_object_agg(s.key, s.reference), '{}') from privacy_console.subject s where s.kind = p_kind and s.key = any (p_keys));`,
  { declare: '  v_known jsonb; v_by_value boolean;', pins: planPins },
)}
create index subject_erased on privacy_console.subject (key_hash) where erased_at is not null;

${step(
  'check_reason(p_request bigint, p_reason text, p_subject text)',
  'void',
  `  if p_request is null then
    if p_reason is null or length(trim(p_reason)) < 3 then
      raise exception 'Say under which request this happens, or why it happens without one.' using errcode = 'PC004';
    end if;
    return;
  end if;
  select r.state, r.subject into v_state, v_subject from privacy_console.request r where r.id = p_request;
  if not found then
    raise exception 'There is no request %.', p_request using errcode = 'PC005';
  elsif v_state = 'closed' then
    raise exception 'Request % is closed; a look-up needs an open one or a reason.', p_request using errcode = 'PC007';
  elsif p_subject is not null and v_subject is not null and v_subject <> p_subject then
    raise exception 'Request % is about another person.', p_request using errcode = 'PC007';
  end if;`,
  { declare: '  v_state text; v_subject text;' },
)}
${step(
  'grant_access(p_staff bigint, p_kind text, p_subject text, p_request bigint, p_minutes int, p_entry bigint)',
  'bigint',
  `  -- An install that changes the map waits for this to be committed, and then ends it.
  perform 1 from privacy_console.data_map d where d.current for share;
  insert into privacy_console.access (staff, login_oid, kind, subject, request, opened_at, opened_xact, expires_at, entry)
    values (p_staff, privacy_console.my_oid(), p_kind, p_subject, p_request, clock_timestamp(), pg_current_xact_id(),
            clock_timestamp() + make_interval(mins => p_minutes), p_entry)
    returning id into v_id;
  return v_id;`,
  { declare: '  v_id bigint;' },
)}
${step(
  'spend_person(p_staff bigint, p_subject text)',
  'boolean',
  `  -- Somebody looked at within the hour costs nothing more; exports and plans count like accesses.
  return exists (select from privacy_console.access a where a.staff = p_staff and a.subject = p_subject and a.opened_at > clock_timestamp() - interval '1 hour')
    or privacy_console.spend(p_staff, 'people', 'people_per_hour');`,
)}
${definer(
  'open_access(p_subject text, p_request bigint default null, p_reason text default null, p_minutes int default 15)',
  'jsonb',
  `  perform privacy_console.only_write();
  v_staff := privacy_console.caller(array['viewer', 'operator']);
  perform privacy_console.refuse_where_unsafe();
  perform privacy_console.refuse_bypass();
  if not exists (select from privacy_console.subject s where s.reference = p_subject and s.key is not null) then
    raise exception 'Nobody is held under that reference.' using errcode = 'PC005';
  end if;
  perform privacy_console.check_reason(p_request, p_reason, p_subject);
  if p_minutes not between 1 and privacy_console.setting_of('access_minutes') then
    raise exception 'An access lasts from 1 to % minutes.', privacy_console.setting_of('access_minutes') using errcode = 'PC004';
  end if;
  v_says := privacy_console.restricted_for(p_subject, p_request);
  if v_says is not null then
    return privacy_console.refused('access.opened', p_subject, p_request, 'refused', v_says);
  end if;
  if not privacy_console.spend_person(v_staff, p_subject) then
    return privacy_console.refused('access.opened', p_subject, p_request, 'budget_spent',
      'The hourly budget of people is spent; wait a few minutes, or ask an administrator to raise it.');
  end if;
  v_entry := privacy_console.append('access.opened', p_subject, p_request, 'done', null, case when p_request is null then p_reason end);
  v_access := privacy_console.grant_access(v_staff, 'view', p_subject, p_request, p_minutes, v_entry);
  return (select jsonb_build_object('ok', true, 'access', a.id, 'openedAt', a.opened_at, 'expiresAt', a.expires_at)
    from privacy_console.access a where a.id = v_access) || privacy_console.receipt(v_entry);`,
  { declare: '  v_staff bigint; v_says text; v_entry bigint; v_access bigint;' },
)}
${definer(
  'close_access(p_access bigint)',
  'jsonb',
  `  perform privacy_console.only_write();
  perform privacy_console.caller(array['viewer', 'operator']);
  update privacy_console.access a set closed_at = clock_timestamp()
    where a.id = p_access and a.login_oid = privacy_console.my_oid() and a.closed_at is null
    returning a.subject, a.request, a.entry into v_subject, v_request, v_opened;
  if not found then
    raise exception 'There is no open access of that number.' using errcode = 'PC001';
  end if;
  return jsonb_build_object('ok', true) || privacy_console.receipt(privacy_console.append('access.closed', v_subject, v_request, 'done', v_opened, null));`,
  { declare: '  v_subject text; v_request bigint; v_opened bigint;' },
)}
${step(
  'access_is_open(p_access bigint)',
  'boolean',
  `  return exists (select from privacy_console.access a
    where a.id = p_access and a.login_oid = privacy_console.my_oid() and a.closed_at is null
      and a.expires_at > clock_timestamp()
      and a.opened_xact is distinct from pg_current_xact_id_if_assigned()
      -- Nor one that was opened before processing was restricted.
      and privacy_console.restricted_for(a.subject, a.request) is null);`,
)}
${definer(
  'subject_of(p_access bigint, p_kinds text[], p_subject_kind text)',
  'text',
  `  -- The gate: each function opens for one kind of person only, null stands for any.
  -- clock_timestamp(), because the other clocks stand still in a message or a transaction.
  perform privacy_console.caller(array['viewer', 'operator']);
  if clock_timestamp() - transaction_timestamp() > interval '15 minutes' then
    raise exception 'This transaction is older than 15 minutes; begin a new one.' using errcode = 'PC001';
  end if;
  select s.key, s.reference into v_key, v_reference
    from privacy_console.access a join privacy_console.subject s on s.reference = a.subject
    where a.id = p_access and a.kind = any (p_kinds) and (p_subject_kind is null or s.kind = p_subject_kind) and privacy_console.access_is_open(p_access);
  if v_key is null then
    raise exception 'No access to this person is open; open one, commit it, and try again.' using errcode = 'PC001';
  end if;
  perform privacy_console.refuse_where_unsafe();
  return v_key;`,
  { declare: '  v_key text; v_reference text;' },
)}
${definer(
  'my_open_subjects(p_subject_kind text)',
  'setof text',
  `  if not privacy_console.holds_role('viewer') and not privacy_console.holds_role('operator') then return; end if;
  if clock_timestamp() - transaction_timestamp() > interval '15 minutes' or pg_is_in_recovery() then return; end if;
  if exists (select from privacy_console.access a where a.login_oid = privacy_console.my_oid() and a.closed_at is null) then
    perform privacy_console.refuse_where_unsafe();
  end if;
  return query select distinct s.key from privacy_console.access a join privacy_console.subject s on s.reference = a.subject
    where a.login_oid = privacy_console.my_oid() and a.kind = 'view' and a.closed_at is null and s.key is not null and s.kind = p_subject_kind
      and privacy_console.access_is_open(a.id);`,
)}
${definer(
  'show_access(p_access bigint)',
  'table (id bigint, subject text, request bigint, opened_at timestamptz, expires_at timestamptz, kind text, title text, controller text)',
  `  perform privacy_console.caller(array['viewer', 'operator']);
  return query select a.id, a.subject, a.request, a.opened_at, a.expires_at, s.kind, coalesce(k.title, s.kind), k.controller
    from privacy_console.access a join privacy_console.subject s on s.reference = a.subject left join privacy_console.subject_kind k on k.kind = s.kind
    where a.id = p_access and privacy_console.access_is_open(a.id);`,
)}
${definer(
  'intend_search(p_text text, p_max_hits int default 50, p_request bigint default null, p_reason text default null)',
  'jsonb',
  `  perform privacy_console.only_write();
  v_staff := privacy_console.caller(array['viewer', 'operator']);
  perform privacy_console.refuse_where_unsafe();
  perform privacy_console.refuse_bypass();
  perform privacy_console.check_reason(p_request, p_reason, null);
  if p_text is null or length(trim(p_text)) not between 3 and 200 then
    raise exception 'A search has from 3 to 200 characters.' using errcode = 'PC004';
  end if;
  if p_max_hits not between 1 and 200 then
    raise exception 'A search shows from 1 to 200 people.' using errcode = 'PC004';
  end if;
  if not privacy_console.spend(v_staff, 'searches', 'searches_per_hour') then
    return privacy_console.refused('search.intended', null, p_request, 'budget_spent',
      'The hourly budget of searches is spent; wait a few minutes, or ask an administrator to raise it.');
  end if;
  v_entry := privacy_console.append('search.intended', null, p_request, 'intent', null,
    json_build_object('text', trim(p_text), 'reason', case when p_request is null then p_reason end)::text);
  insert into privacy_console.search (staff, login_oid, max_hits, intended_xact, intended_at, entry)
    values (v_staff, privacy_console.my_oid(), p_max_hits, pg_current_xact_id(), clock_timestamp(), v_entry) returning id into v_search;
  return jsonb_build_object('ok', true, 'search', v_search) || privacy_console.receipt(v_entry);`,
  { declare: '  v_staff bigint; v_entry bigint; v_search bigint;' },
)}
${definer(
  'searching(p_search bigint)',
  'table (text text, max_hits int)',
  `  perform privacy_console.caller(array['viewer', 'operator']);
  perform privacy_console.refuse_where_unsafe();
  if clock_timestamp() - transaction_timestamp() > interval '15 minutes' then
    raise exception 'This transaction is older than 15 minutes; begin a new one.' using errcode = 'PC001';
  end if;
  return query select (d.text::json ->> 'text')::text, s.max_hits
    from privacy_console.search s join privacy_console.detail d on d.entry = s.entry
    where s.id = p_search and s.login_oid = privacy_console.my_oid() and s.run_at is null
      and s.intended_at > clock_timestamp() - interval '5 minutes'
      and s.intended_xact is distinct from pg_current_xact_id_if_assigned();
  if not found then
    raise exception 'This search was not announced, has been run, or is older than five minutes; search again.' using errcode = 'PC001';
  end if;`,
)}
${definer(
  'search_done(p_search bigint, p_hits int)',
  'bigint',
  `  update privacy_console.search s set run_at = clock_timestamp() where s.id = p_search and s.run_at is null returning s.entry into v_intent;
  return privacy_console.append('search.run', null, (select e.request from privacy_console.entry e where e.number = v_intent), 'done', v_intent,
    json_build_object('hits', p_hits)::text);`,
  { declare: '  v_intent bigint;' },
)}
${definer(
  'intend_reveal(p_access bigint, p_collection text, p_row_key text, p_column text, p_reason text default null)',
  'jsonb',
  `  perform privacy_console.only_write();
  v_staff := privacy_console.caller(array['viewer', 'operator']);
  perform privacy_console.subject_of(p_access, array['view'], null);
  select a.subject, a.request into v_subject, v_request from privacy_console.access a where a.id = p_access;
  if not exists (select from privacy_console.mapped_column m
      join privacy_console.kind_collection c on c.collection = m.collection
      join privacy_console.subject s on s.kind = c.kind and s.reference = v_subject
      where m.collection = p_collection and m.column_name = p_column and m.masked and not m.never) then
    raise exception 'There is no masked column of that name.' using errcode = 'PC005';
  end if;
  if not privacy_console.spend(v_staff, 'reveals', 'reveals_per_hour') then
    return privacy_console.refused('reveal.intended', v_subject, v_request, 'budget_spent',
      'The hourly budget of reveals is spent; wait a few minutes, or ask an administrator to raise it.');
  end if;
  v_entry := privacy_console.append('reveal.intended', v_subject, v_request, 'intent', null,
    json_build_object('collection', p_collection, 'row', p_row_key, 'column', p_column, 'reason', nullif(trim(p_reason), ''))::text);
  insert into privacy_console.reveal (access, collection, row_key, column_name, intended_xact, intended_at, entry)
    values (p_access, p_collection, p_row_key, p_column, pg_current_xact_id(), clock_timestamp(), v_entry) returning id into v_reveal;
  return jsonb_build_object('ok', true, 'reveal', v_reveal) || privacy_console.receipt(v_entry);`,
  { declare: '  v_staff bigint; v_entry bigint; v_reveal bigint; v_subject text; v_request bigint;' },
)}
${definer(
  'revealing(p_reveal bigint)',
  'table (kind text, key text, collection text, row_key text, column_name text)',
  `  return query select s.kind, privacy_console.subject_of(r.access, array['view'], s.kind), r.collection, r.row_key, r.column_name
    from privacy_console.reveal r join privacy_console.access a on a.id = r.access join privacy_console.subject s on s.reference = a.subject
    where r.id = p_reveal and a.login_oid = privacy_console.my_oid() and r.shown_at is null
      and r.intended_at > clock_timestamp() - interval '5 minutes'
      and r.intended_xact is distinct from pg_current_xact_id_if_assigned();
  if not found then
    raise exception 'This reveal was not announced, has been used, or is older than five minutes; reveal it again.' using errcode = 'PC001';
  end if;`,
)}
${definer(
  'reveal_shown(p_reveal bigint)',
  'bigint',
  `  update privacy_console.reveal r set shown_at = clock_timestamp() where r.id = p_reveal and r.shown_at is null returning r.entry into v_intent;
  return (select privacy_console.append('reveal.shown', e.subject, e.request, 'done', v_intent, null) from privacy_console.entry e where e.number = v_intent);`,
  { declare: '  v_intent bigint;' },
)}
${definer(
  'act(p_access bigint, p_collection text, p_row_key text, p_action text)',
  'jsonb',
  `  perform privacy_console.only_write();
  perform privacy_console.caller(array['operator']);
  select a.subject, a.request, s.kind into v_subject, v_request, v_kind
    from privacy_console.access a join privacy_console.subject s on s.reference = a.subject where a.id = p_access;
  v_key := privacy_console.subject_of(p_access, array['view'], v_kind);
  -- What a legal hold covers is left as it is by everybody.
  perform privacy_console.keep_holds_out();
  v_rows := privacy_console.act_on_row(v_kind, p_collection, p_action, v_key, p_row_key, v_subject, privacy_console.held_parts(v_kind, v_key, '{}', null));
  if v_rows <> 1 then
    raise exception 'That row is gone, has already been dealt with, or a legal hold covers it; read it again.' using errcode = 'PC006';
  end if;
  return jsonb_build_object('ok', true) || privacy_console.receipt(privacy_console.append('row.acted', v_subject, v_request, 'done', null,
    json_build_object('collection', p_collection, 'action', p_action, 'row', p_row_key)::text));`,
  { declare: '  v_key text; v_kind text; v_subject text; v_request bigint; v_rows bigint;' },
)}
${definer(
  'requests(p_state text, p_subject text, p_id bigint, p_limit int)',
  'table (id bigint, kind text, state text, subject text, message text, received_on date, due_on date, days_left int, assignee text, mine boolean, opened_by text, closed_at timestamptz, outcome text, subject_kind text, controller text)',
  `  perform privacy_console.caller(array['viewer', 'operator', 'approver', 'auditor', 'admin']);
  return query
    select r.id, r.kind, r.state, r.subject, case when privacy_console.holds_role('operator') then r.message end,
      r.received_on, r.due_on, (r.due_on - (clock_timestamp() at time zone 'Asia/Kolkata')::date)::int,
      a.login, coalesce(a.login_oid = privacy_console.my_oid(), false), o.login, r.closed_at, r.outcome, s.kind, k.controller
    from privacy_console.request r
    left join privacy_console.subject s on s.reference = r.subject
    left join privacy_console.subject_kind k on k.kind = s.kind
    left join privacy_console.staff a on a.id = r.assignee
    join privacy_console.staff o on o.id = r.opened_by
    where (p_id is null or r.id = p_id) and (p_subject is null or r.subject = p_subject)
      and (p_state = 'all' or (p_state = 'open') = (r.state <> 'closed'))
    order by case when r.state = 'closed' then 1 else 0 end, r.due_on, r.id
    limit p_limit;`,
)}
${definer(
  "open_request(p_kind text, p_received_on date, p_message text default '', p_subject text default null)",
  'jsonb',
  `  perform privacy_console.only_write();
  v_staff := privacy_console.caller(array['operator']);
  if p_received_on > (clock_timestamp() at time zone 'Asia/Kolkata')::date then
    raise exception 'A request can''t have been received in the future.' using errcode = 'PC004';
  end if;
  if p_subject is not null and not exists (select from privacy_console.subject s where s.reference = p_subject) then
    raise exception 'Nobody is held under that reference.' using errcode = 'PC005';
  end if;
  insert into privacy_console.request (kind, received_on, due_on, message, subject, opened_by)
    values (p_kind, p_received_on, p_received_on + privacy_console.setting_of('answer_days'), p_message, p_subject, v_staff)
    returning id into v_id;
  return jsonb_build_object('ok', true, 'request', v_id)
    || privacy_console.receipt(privacy_console.append('request.opened', p_subject, v_id, 'done', null, json_build_object('kind', p_kind)::text));`,
  { declare: '  v_staff bigint; v_id bigint;' },
)}
${definer(
  'open_request_for_update(p_id bigint)',
  'text',
  `  select r.state, r.subject into v_state, v_subject from privacy_console.request r where r.id = p_id for update;
  if not found then
    raise exception 'There is no request %.', p_id using errcode = 'PC005';
  elsif v_state = 'closed' then
    raise exception 'Request % is closed.', p_id using errcode = 'PC006';
  end if;
  return v_subject;`,
  { declare: '  v_state text; v_subject text;' },
)}
${definer(
  'assign_request(p_id bigint, p_login text default null)',
  'jsonb',
  `  perform privacy_console.only_write();
  v_staff := privacy_console.caller(array['operator']);
  v_subject := privacy_console.open_request_for_update(p_id);
  if p_login is not null then
    select s.id into v_staff from privacy_console.staff s where s.login = p_login and s.active and 'operator' = any (s.roles);
    if v_staff is null then
      raise exception 'Only an active operator can take a request.' using errcode = 'PC005';
    end if;
  end if;
  update privacy_console.request r set assignee = v_staff, state = case r.state when 'open' then 'in_progress' else r.state end where r.id = p_id;
  return jsonb_build_object('ok', true) || privacy_console.receipt(privacy_console.append('request.assigned', v_subject, p_id, 'done', null, null));`,
  { declare: '  v_staff bigint; v_subject text;' },
)}
${definer(
  'link_request(p_id bigint, p_subject text)',
  'jsonb',
  `  perform privacy_console.only_write();
  v_staff := privacy_console.caller(array['operator']);
  v_subject := privacy_console.open_request_for_update(p_id);
  if v_subject is not null and v_subject <> p_subject then
    raise exception 'Request % is already about another person; close it and open a new one.', p_id using errcode = 'PC006';
  end if;
  -- Only somebody the caller has looked at can be named: a request is no way to guess references.
  if not exists (select from privacy_console.access a where a.subject = p_subject and a.staff = v_staff) then
    raise exception 'Open this person first, then say that the request is theirs.' using errcode = 'PC007';
  end if;
  update privacy_console.request r set subject = p_subject where r.id = p_id;
  return jsonb_build_object('ok', true) || privacy_console.receipt(privacy_console.append('request.linked', p_subject, p_id, 'done', null, null));`,
  { declare: '  v_staff bigint; v_subject text;' },
)}
${definer(
  'close_request(p_id bigint, p_outcome text)',
  'jsonb',
  `  perform privacy_console.only_write();
  perform privacy_console.caller(array['operator']);
  v_subject := privacy_console.open_request_for_update(p_id);
  if exists (select from privacy_console.plan p where p.request = p_id and p.state in ('awaiting', 'approved', 'running')) then
    raise exception 'A deletion plan of this request is still open; finish it, or plan again and have that denied.' using errcode = 'PC007';
  end if;
  update privacy_console.request r set state = 'closed', closed_at = clock_timestamp(), outcome = p_outcome where r.id = p_id;
  return jsonb_build_object('ok', true) || privacy_console.receipt(privacy_console.append('request.closed', v_subject, p_id, 'done', null,
    json_build_object('outcome', p_outcome)::text));`,
  { declare: '  v_subject text;' },
)}
${definer(
  'trail_head()',
  'table (identity uuid, number bigint, chain text)',
  `  perform privacy_console.caller(array['viewer', 'operator', 'approver', 'auditor', 'admin']);
  return query select i.id, coalesce(e.number, 0), coalesce(encode(e.chain, 'hex'), '') from privacy_console.installation i
    left join lateral (select e.number, e.chain from privacy_console.entry e order by e.number desc limit 1) e on true;`,
)}
${definer(
  'trail_links(p_from bigint, p_limit int)',
  'table (number bigint, leaf text, chain text)',
  `  perform privacy_console.caller(array['viewer', 'operator', 'approver', 'auditor', 'admin']);
  return query select e.number, encode(sha256('\\x00'::bytea || e.bytes), 'hex'), encode(e.chain, 'hex')
    from privacy_console.entry e where e.number >= p_from order by e.number limit least(p_limit, 10000);`,
)}
${definer(
  'trail_entries(p_from bigint, p_limit int)',
  'table (number bigint, bytes bytea, chain text, canonical boolean)',
  `  perform privacy_console.caller(array['auditor', 'approver', 'admin']);
  return query select e.number, e.bytes, encode(e.chain, 'hex'),
      e.bytes = privacy_console.canonical(e.number, e.at, e.actor, e.workstation, e.client, e.action, e.subject, e.request, e.outcome, e.intent, e.commitment)
        and (d.entry is null or coalesce(e.commitment = sha256(d.salt || convert_to(d.text, 'UTF8')), false))
    from privacy_console.entry e left join privacy_console.detail d on d.entry = e.number
    where e.number >= p_from order by e.number limit least(p_limit, 10000);`,
)}
${definer(
  'list_entries(p_before bigint, p_limit int, p_actor text, p_subject text, p_action text, p_request bigint, p_outcome text, p_since timestamptz, p_until timestamptz)',
  'table (number bigint, at timestamptz, actor text, workstation text, client text, action text, subject text, request bigint, outcome text, intent bigint, refusal text, detail boolean, ended boolean, chain text)',
  `  perform privacy_console.caller(array['viewer', 'operator', 'approver', 'auditor', 'admin']);
  v_all := privacy_console.holds_role('auditor') or privacy_console.holds_role('approver') or privacy_console.holds_role('admin');
  return query
    select e.number, e.at, e.actor, e.workstation, e.client, e.action, e.subject, e.request, e.outcome, e.intent,
      -- The detail of a refusal is the guard's own sentence and names nobody, so that whoever sees the entry may read why.
      (select d.text from privacy_console.detail d where e.outcome = 'refused' and d.entry = e.number),
      exists (select from privacy_console.detail d where d.entry = e.number),
      e.outcome <> 'intent' or exists (select from privacy_console.entry f where f.intent = e.number),
      encode(e.chain, 'hex')
    from privacy_console.entry e
    where (p_before is null or e.number < p_before)
      and (p_actor is null or e.actor = p_actor) and (p_subject is null or e.subject = p_subject)
      and (p_action is null or e.action = p_action) and (p_request is null or e.request = p_request)
      and (p_outcome is null or e.outcome = p_outcome)
      and (p_since is null or e.at >= p_since) and (p_until is null or e.at < p_until)
      and (v_all or e.actor = session_user::text or (p_request is not null and e.request = p_request))
    order by e.number desc limit least(p_limit, 500);`,
  { declare: '  v_all boolean;', pins: 'set plan_cache_mode = force_custom_plan' },
)}
${definer(
  'intend_detail(p_number bigint)',
  'jsonb',
  `  perform privacy_console.only_write();
  perform privacy_console.caller(array['auditor']);
  if not exists (select from privacy_console.entry e where e.number = p_number) then
    raise exception 'There is no entry %.', p_number using errcode = 'PC005';
  end if;
  select e.subject, e.request into v_subject, v_request from privacy_console.entry e where e.number = p_number;
  return jsonb_build_object('ok', true)
    || privacy_console.receipt(privacy_console.append('trail.detail_read', v_subject, v_request, 'done', p_number, null));`,
  { declare: '  v_subject text; v_request bigint;' },
)}
${definer(
  'read_detail(p_number bigint)',
  'text',
  `  perform privacy_console.caller(array['auditor']);
  -- Committed before, in another transaction: visible, mine, recent, and not written by this one.
  if pg_current_xact_id_if_assigned() is not null or not exists (select from privacy_console.entry e
      where e.action = 'trail.detail_read' and e.intent = p_number and e.actor = session_user::text and e.at > clock_timestamp() - interval '5 minutes') then
    raise exception 'Reading a detail has to be announced first; try again.' using errcode = 'PC001';
  end if;
  return (select d.text from privacy_console.detail d where d.entry = p_number);`,
)}
${definer(
  'begin_trail_work(p_action text)',
  'jsonb',
  `  perform privacy_console.only_write();
  perform privacy_console.caller(array['auditor', 'approver', 'admin']);
  if p_action not in ('trail.verified', 'trail.exported') then
    raise exception 'That is not a work on the trail.' using errcode = 'PC004';
  end if;
  return jsonb_build_object('ok', true) || privacy_console.receipt(privacy_console.append(p_action, null, null, 'intent', null, null));`,
)}
${definer(
  'end_trail_work(p_intent bigint, p_outcome text, p_detail text)',
  'jsonb',
  `  perform privacy_console.only_write();
  perform privacy_console.caller(array['auditor', 'approver', 'admin']);
  select e.action into v_action from privacy_console.entry e
    where e.number = p_intent and e.outcome = 'intent' and e.actor = session_user::text and e.action in ('trail.verified', 'trail.exported')
      and not exists (select from privacy_console.entry f where f.intent = p_intent);
  if v_action is null or p_outcome not in ('done', 'failed') then
    raise exception 'There is no such open work on the trail.' using errcode = 'PC005';
  end if;
  return jsonb_build_object('ok', true) || privacy_console.receipt(privacy_console.append(v_action, null, null, p_outcome, p_intent, left(p_detail, 2000)));`,
  { declare: '  v_action text;' },
)}
${definer(
  'open_intents()',
  'setof bigint',
  `  perform privacy_console.caller(array['auditor', 'approver', 'admin']);
  return query select e.number from privacy_console.entry e
    where e.outcome = 'intent' and not exists (select from privacy_console.entry f where f.intent = e.number) order by e.number;`,
)}
`;

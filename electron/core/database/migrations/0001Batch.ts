import { batchForms, batchSources } from '#shared/domain/batches.ts';
import { definer, step } from '../pins.ts';
import { stale } from './0001Trail.ts';

const everyone = "array['viewer', 'operator', 'approver', 'auditor', 'admin']";
const list = (names: readonly string[]): string => names.map((name) => `'${name}'`).join(', ');
/** States in which a batch's items are its own: nobody else's batch takes them. */
const open = "('matching', 'planning', 'awaiting', 'approved', 'running')";

/**
 * Batches: many people's deletions under one plan, one approval and one report.
 * Each person has a request, a plan and a run of their own as always; the batch
 * adds who belongs together, and one decision about all of them. Also the queue
 * of closed accounts. Run as the trail's owner.
 */
export const batches = `
insert into privacy_console.setting values
  -- How long after an account was closed it is to be erased.
  ('closed_days', 30),
  -- How many identifiers one person may have matched against the platform in a day, and above how many people two approve.
  ('batch_lines_per_day', 3000), ('two_approvers_above_people', 500);

create table privacy_console.batch (
  id bigint generated always as identity primary key,
  source text not null check (source in (${list(batchSources)})),
  kind text not null,
  form text not null check (form in (${list(batchForms)})),
  staff bigint not null references privacy_console.staff,
  made_at timestamptz not null default clock_timestamp(),
  reason text not null,
  state text not null default 'matching' check (state in ('matching', 'planning', 'awaiting', 'approved', 'denied', 'running', 'done', 'cancelled')),
  map_hash text not null,
  -- Set with the bytes, which hold it.
  approvers int,
  bytes bytea,
  sha256 text,
  -- Who is at work on it, as long as they give signs of life.
  turn int not null default 0,
  turn_staff bigint references privacy_console.staff,
  turn_until timestamptz,
  finished_at timestamptz,
  report text,
  report_sha256 text,
  entry bigint not null references privacy_console.entry
);

create table privacy_console.batch_item (
  batch bigint not null references privacy_console.batch,
  -- The line it came from.
  number int not null,
  -- What was given, as it is compared; only until it has been matched.
  identifier text,
  state text not null default 'unmatched'
    check (state in ('unmatched', 'matched', 'not_found', 'ambiguous', 'duplicate', 'planned', 'set_aside', 'done')),
  because text,
  subject text references privacy_console.subject,
  request bigint references privacy_console.request,
  -- Whether a batch opened the request, which then closes with the deletion.
  opened boolean not null default false,
  plan bigint references privacy_console.plan,
  -- Of the plan as it was when all were counted: what an approval of the batch covers.
  sha256 text,
  -- In which turn it was last begun.
  turn int not null default 0,
  primary key (batch, number)
);
create index batch_item_plan on privacy_console.batch_item (plan) where plan is not null;
create index batch_item_subject on privacy_console.batch_item (subject) where subject is not null;
create index batch_item_request on privacy_console.batch_item (request) where request is not null;
alter table privacy_console.approval add foreign key (batch) references privacy_console.batch;

${step(
  'is_batched(p_request bigint, p_staff bigint)',
  'boolean',
  `  return exists (select from privacy_console.batch_item i join privacy_console.batch b on b.id = i.batch
    where i.request = p_request and i.state = 'matched' and b.staff = p_staff and b.state = 'planning');`,
)}
${step(
  'batch_of(p_plan bigint)',
  'bigint',
  `  -- The batch that an approval of this plan would be part of.
  return (select i.batch from privacy_console.batch_item i join privacy_console.batch b on b.id = i.batch
    where i.plan = p_plan and i.state in ('matched', 'planned') and b.state in ('planning', 'awaiting'));`,
)}
${step(
  'compared(p_form text, p_value text)',
  'text',
  `  -- Exactly what somebody is told by: an address in small letters, a number by all of its digits with its country's code, anything else as it stands.
  return case p_form when 'email' then lower(trim(p_value))
    when 'phone' then ltrim(translate(p_value, translate(p_value, '0123456789', ''), ''), '0')
    when 'id' then case when trim(p_value) ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then lower(trim(p_value)) else trim(p_value) end
    else upper(trim(p_value)) end;`,
)}
${step(
  'set_aside(p_batch bigint, p_number int, p_because text)',
  'void',
  `  update privacy_console.batch_item i set state = 'set_aside', because = p_because where i.batch = p_batch and i.number = p_number;`,
)}
${step(
  'in_the_way(p_batch bigint, p_subject text, p_request bigint)',
  'text',
  `  -- Why a batch leaves this person alone; null while nothing is in the way.
  v_says := privacy_console.restricted_for(p_subject, p_request);
  if v_says is not null then
    return v_says;
  end if;
  select h.id into v_id from privacy_console.hold h where h.subject = p_subject and h.lifted_at is null order by h.id limit 1;
  if v_id is not null then
    return 'Legal hold ' || v_id || ' covers this person; nothing is deleted until two people have lifted it.';
  end if;
  select p.request into v_id from privacy_console.plan p where p.subject = p_subject and p.state in ('awaiting', 'approved', 'running')
      and not exists (select from privacy_console.batch_item i where i.batch = p_batch and i.plan = p.id) order by p.id desc limit 1;
  if v_id is not null then
    return 'A deletion of this person is under way under request ' || v_id || '; go on with that.';
  end if;
  select i.batch into v_id from privacy_console.batch_item i join privacy_console.batch b on b.id = i.batch
    where i.subject = p_subject and i.batch <> p_batch and i.state in ('matched', 'planned') and b.state in ${open} order by i.batch limit 1;
  return 'This person is part of batch ' || v_id || ' already.';`,
  { declare: '  v_says text; v_id bigint;' },
)}
${definer(
  'begin_batch(p_source text, p_kind text, p_form text, p_identifiers text[], p_reason text)',
  'jsonb',
  `  -- Committed before anybody is looked for: whether an address exists is what the matching tells.
  perform privacy_console.only_write();
  v_staff := privacy_console.may_begin();
  if p_reason is null or length(trim(p_reason)) < 3 or length(p_reason) > 300 then
    raise exception 'Say why these people are erased, in 3 to 300 characters; it stands in the report, so nothing about a person.' using errcode = 'PC004';
  end if;
  if p_source is null or p_source not in (${list(batchSources)}) or p_form is null or p_form not in (${list(batchForms)})
      or (p_source = 'closed') <> (p_form = 'reference')
      or not exists (select from privacy_console.subject_kind k where k.kind = p_kind) then
    raise exception 'Say what the identifiers are: an e-mail address, a phone number or a key of a kind of people of the map.' using errcode = 'PC004';
  end if;
  if coalesce(cardinality(p_identifiers), 0) not between 1 and 1000 or exists (select from unnest(p_identifiers) x(given)
      where coalesce(length(trim(x.given)), 0) not between 1 and 320) then
    raise exception 'A batch has 1 to 1000 identifiers of up to 320 characters each.' using errcode = 'PC004';
  end if;
  if p_source <> 'closed' and not privacy_console.spend(v_staff, 'batch', 'batch_lines_per_day', cardinality(p_identifiers), 86400) then
    return privacy_console.refused('batch.begun', null, null, 'budget_spent',
      'The budget of identifiers matched in a day is spent; go on later, or ask an administrator to raise it.');
  end if;
  -- What was given stands in no entry, only that it was these.
  v_entry := privacy_console.append('batch.begun', null, null, 'intent', null, json_build_object('source', p_source, 'kind', p_kind, 'form', p_form,
    'count', cardinality(p_identifiers), 'reason', trim(p_reason), 'identifiers', (select encode(sha256(string_agg(
      privacy_console.keyed_hash(p_form, privacy_console.compared(p_form, x.given)), ''::bytea order by x.number)), 'hex')
      from unnest(p_identifiers) with ordinality x(given, number)))::text);
  insert into privacy_console.batch (source, kind, form, staff, reason, map_hash, entry)
    select p_source, p_kind, p_form, v_staff, trim(p_reason), d.hash, v_entry from privacy_console.data_map d where d.current returning id into v_batch;
  insert into privacy_console.batch_item (batch, number, identifier)
    select v_batch, x.number, privacy_console.compared(p_form, x.given) from unnest(p_identifiers) with ordinality x(given, number);
  return jsonb_build_object('ok', true, 'batch', v_batch) || privacy_console.receipt(v_entry);`,
  { declare: '  v_staff bigint; v_entry bigint; v_batch bigint;' },
)}
${definer(
  'my_batch(p_batch bigint, p_states text[])',
  'privacy_console.batch',
  `  v_staff := privacy_console.caller(array['operator']);
  select b.* into v_batch from privacy_console.batch b where b.id = p_batch and b.staff = v_staff and b.state = any (p_states) for update;
  if v_batch.id is null then
    raise exception 'There is no such batch of yours that waits for this; read it again.' using errcode = 'PC005';
  end if;
  return v_batch;`,
  { declare: '  v_staff bigint; v_batch privacy_console.batch;' },
)}
${definer(
  'match_batch(p_batch bigint)',
  'jsonb',
  `  -- Tells nothing: who was found is read with the batch, once this is committed.
  perform privacy_console.only_write();
  v_batch := privacy_console.my_batch(p_batch, array['matching']);
  perform privacy_console.may_begin();
  v_values := array(select i.identifier from privacy_console.batch_item i where i.batch = p_batch order by i.number);
  if v_batch.form = 'reference' then
    update privacy_console.batch_item i set subject = s.reference from privacy_console.subject s
      where i.batch = p_batch and s.reference = i.identifier and s.kind = v_batch.kind and s.key in (
        select c.key from privacy_console.closed_of(v_batch.kind, array(select t.key from privacy_console.subject t where t.reference = any (v_values) and t.key is not null)) c);
  else
    select coalesce(array_agg(f.value), '{}'), coalesce(array_agg(f.key), '{}') into v_found, v_keys
      from privacy_console.people_by(v_batch.kind, v_batch.form, v_values) f;
    v_references := privacy_console.references_of(v_batch.kind, array(select distinct k.key from unnest(v_keys) k(key)));
    update privacy_console.batch_item i set state = case when x.people > 1 then 'ambiguous' else i.state end, subject = case x.people when 1 then x.subject end
      from (select f.value, count(distinct v_references ->> f.key) as people, max(v_references ->> f.key) as subject
        from unnest(v_found, v_keys) f(value, key) where v_references ? f.key group by f.value) x
      where i.batch = p_batch and i.identifier = x.value;
  end if;
  update privacy_console.batch_item i set identifier = null, state = case when i.state = 'ambiguous' then i.state when i.subject is null then 'not_found' else 'matched' end
    where i.batch = p_batch;
  update privacy_console.batch_item i set state = 'duplicate', subject = null from privacy_console.batch_item o
    where i.batch = p_batch and o.batch = p_batch and o.subject = i.subject and o.number < i.number;
  update privacy_console.batch_item i set state = 'set_aside', because = x.says
    from (select m.number, privacy_console.in_the_way(p_batch, m.subject, null) as says from privacy_console.batch_item m
      where m.batch = p_batch and m.state = 'matched') x
    where i.batch = p_batch and i.number = x.number and x.says is not null;
  update privacy_console.batch b set state = 'planning' where b.id = p_batch;
  return jsonb_build_object('ok', true) || privacy_console.receipt(privacy_console.append('batch.matched', null, null, 'done', v_batch.entry,
    json_build_object('batch', p_batch, 'states', privacy_console.batch_states(p_batch))::text));`,
  {
    declare:
      '  v_batch privacy_console.batch; v_values text[]; v_found text[]; v_keys text[]; v_references jsonb;',
  },
)}
${step(
  'forget_batches()',
  'void',
  `  -- What was given and never matched.
  update privacy_console.batch b set state = 'cancelled' where b.state = 'matching' and b.made_at < clock_timestamp() - interval '1 hour';
  update privacy_console.batch_item i set identifier = null, state = 'set_aside', because = 'It was never matched.' from privacy_console.batch b
    where b.id = i.batch and b.state = 'cancelled' and i.identifier is not null;`,
)}
${step(
  'batch_states(p_batch bigint)',
  'json',
  `  return (select coalesce(json_object_agg(x.state, x.items order by x.state), '{}') from (
    select i.state, count(*) as items from privacy_console.batch_item i where i.batch = p_batch group by i.state) x);`,
)}
${definer(
  'take_turn(p_batch bigint)',
  'jsonb',
  `  -- One console at a time works on a batch; what one that died has begun is gone on with by any other.
  perform privacy_console.only_write();
  v_staff := privacy_console.caller(array['operator']);
  select b.* into v_batch from privacy_console.batch b where b.id = p_batch for update;
  if v_batch.id is null then
    raise exception 'There is no batch %.', p_batch using errcode = 'PC005';
  end if;
  if v_batch.state not in ('planning', 'approved', 'running') or (v_batch.state = 'planning' and v_batch.staff <> v_staff) then
    return privacy_console.refused('batch.run', null, null, 'refused', case v_batch.state
      when 'planning' then 'Who began a batch plans it.' when 'awaiting' then 'This batch waits for another person''s approval.' else 'This batch is over, or not matched yet; read it again.' end);
  end if;
  if v_batch.state <> 'planning' and v_batch.bytes is distinct from convert_to(privacy_console.batch_text(v_batch), 'UTF8') then
    return privacy_console.refused('batch.run', null, null, 'refused', 'The batch is not what was approved; call it off and begin another one.');
  end if;
  if v_batch.turn_until > clock_timestamp() then
    raise exception '% is at work on this batch; it can be taken over a minute after they have stopped.',
      (select s.login from privacy_console.staff s where s.id = v_batch.turn_staff) using errcode = 'PC006';
  end if;
  update privacy_console.batch b set turn = b.turn + 1, turn_staff = v_staff, turn_until = clock_timestamp() + interval '1 minute' where b.id = p_batch
    returning b.turn into v_turn;
  -- Drafts that were not counted to their end are made again.
  update privacy_console.batch_item i set plan = null where i.batch = p_batch and i.state = 'matched';
  return jsonb_build_object('ok', true, 'turn', v_turn, 'state', v_batch.state) || privacy_console.receipt(privacy_console.append(
    case v_batch.state when 'planning' then 'batch.plan' else 'batch.run' end, null, null, 'done', null, json_build_object('batch', p_batch, 'turn', v_turn)::text));`,
  { declare: '  v_staff bigint; v_batch privacy_console.batch; v_turn int;' },
)}
${definer(
  'my_turn(p_batch bigint, p_turn int)',
  'privacy_console.batch',
  `  v_staff := privacy_console.caller(array['operator']);
  select b.* into v_batch from privacy_console.batch b
    where b.id = p_batch and b.turn = p_turn and b.turn_staff = v_staff and b.turn_until is not null and b.state in ('planning', 'approved', 'running') for share;
  if v_batch.id is null then
    raise exception 'Somebody else has gone on with this batch, or it was called off; read it again.' using errcode = 'PC006';
  end if;
  return v_batch;`,
  { declare: '  v_staff bigint; v_batch privacy_console.batch;' },
)}
${definer(
  'keep_turn(p_batch bigint, p_turn int, p_end boolean)',
  'jsonb',
  `  perform privacy_console.only_write();
  perform 1 from privacy_console.batch b where b.id = p_batch for update;
  perform privacy_console.my_turn(p_batch, p_turn);
  update privacy_console.batch b set turn_until = case when not p_end then clock_timestamp() + interval '1 minute' end where b.id = p_batch;
  perform privacy_console.hold_briefly();
  return jsonb_build_object('ok', true);`,
)}
${definer(
  'draft_items(p_batch bigint, p_turn int, p_limit int)',
  'jsonb',
  `  -- Announces the plans of the next people, each under a request of their own; reads nothing of the platform.
  perform privacy_console.only_write();
  v_staff := privacy_console.may_begin();
  -- Each person for one of those who work on it at the same time.
  perform 1 from privacy_console.batch b where b.id = p_batch for update;
  v_batch := privacy_console.my_turn(p_batch, p_turn);
  if v_batch.state <> 'planning' then
    raise exception 'Who belongs to this batch has been settled.' using errcode = 'PC006';
  end if;
  -- In one order, so that two batches wait for each other at most.
  for v_item in select i.* from privacy_console.batch_item i where i.batch = p_batch and i.state = 'matched' and i.plan is null
      order by i.subject limit least(greatest(p_limit, 1), 100) loop
    v_plan := null;
    begin
      perform 1 from privacy_console.subject s where s.reference = v_item.subject for update;
      v_request := coalesce(v_item.request, (select r.id from privacy_console.request r
        where r.subject = v_item.subject and r.kind = 'deletion' and r.state <> 'closed' order by r.id limit 1));
      v_says := privacy_console.in_the_way(p_batch, v_item.subject, v_request);
      if v_says is null then
        if v_request is null then
          insert into privacy_console.request (kind, received_on, due_on, message, subject, opened_by)
            select 'deletion', d.today, d.today + privacy_console.setting_of('answer_days'), '', v_item.subject, v_staff
              from (select (clock_timestamp() at time zone 'Asia/Kolkata')::date) d(today)
            returning id into v_request;
          perform privacy_console.append('request.opened', v_item.subject, v_request, 'done', v_batch.entry,
            json_build_object('kind', 'deletion', 'source', v_batch.source, 'batch', p_batch)::text);
          v_item.opened := true;
        end if;
        update privacy_console.batch_item i set request = v_request,
            opened = v_item.opened or exists (select from privacy_console.batch_item o where o.request = v_request and o.opened)
          where i.batch = p_batch and i.number = v_item.number;
        v_did := privacy_console.draft_for(v_request, v_staff);
        v_says := v_did ->> 'says';
        v_plan := (v_did ->> 'plan')::bigint;
      end if;
    exception when sqlstate 'PC004' or sqlstate 'PC005' or sqlstate 'PC006' or sqlstate 'PC007' then
      -- Our own sentences, which name nobody.
      v_says := sqlerrm;
      v_plan := null;
    end;
    if v_plan is null then
      perform privacy_console.set_aside(p_batch, v_item.number, coalesce(v_says, 'It could not be planned.'));
    else
      update privacy_console.batch_item i set plan = v_plan where i.batch = p_batch and i.number = v_item.number;
      v_plans := v_plans || v_plan;
    end if;
  end loop;
  perform privacy_console.hold_briefly();
  return jsonb_build_object('ok', true, 'plans', to_jsonb(v_plans),
    'more', exists (select from privacy_console.batch_item i where i.batch = p_batch and i.state = 'matched' and i.plan is null));`,
  {
    declare:
      "  v_staff bigint; v_batch privacy_console.batch; v_item privacy_console.batch_item; v_request bigint; v_plan bigint; v_plans bigint[] := '{}'; v_says text; v_did jsonb;",
  },
)}
${step(
  'items_of(p_batch bigint, p_plans bigint[])',
  'setof privacy_console.batch_item',
  `  return query select i.* from privacy_console.batch_item i where i.batch = p_batch and i.plan = any (p_plans) and i.state = 'matched' order by i.subject;`,
)}
${definer(
  'fill_items(p_batch bigint, p_turn int, p_plans bigint[])',
  'jsonb',
  `  perform privacy_console.only_write();
  v_staff := privacy_console.caller(array['operator']);
  perform privacy_console.my_turn(p_batch, p_turn);
  for v_item in select * from privacy_console.items_of(p_batch, p_plans) loop
    begin
      perform privacy_console.fill_for(v_item.plan, v_staff, '{}');
    exception when sqlstate 'PC004' or sqlstate 'PC005' or sqlstate 'PC006' or sqlstate 'PC007' then
      perform privacy_console.set_aside(p_batch, v_item.number, sqlerrm);
    end;
  end loop;
  perform privacy_console.hold_briefly();
  return jsonb_build_object('ok', true);`,
  { declare: '  v_staff bigint; v_item privacy_console.batch_item;' },
)}
${definer(
  'seal_items(p_batch bigint, p_turn int, p_plans bigint[], p_objects jsonb)',
  'jsonb',
  `  -- With the objects of each as they were listed: [{"plan": 1, "keys": [...], "bytes": [...]}].
  perform privacy_console.only_write();
  v_staff := privacy_console.caller(array['operator']);
  perform privacy_console.my_turn(p_batch, p_turn);
  for v_item in select * from privacy_console.items_of(p_batch, p_plans) loop
    begin
      perform privacy_console.seal_for(v_item.plan, v_staff,
        array(select k.key from jsonb_array_elements(p_objects) o(listed) cross join lateral jsonb_array_elements_text(o.listed -> 'keys') with ordinality k(key, place)
          where (o.listed ->> 'plan')::bigint = v_item.plan order by k.place),
        array(select k.size::bigint from jsonb_array_elements(p_objects) o(listed) cross join lateral jsonb_array_elements_text(o.listed -> 'bytes') with ordinality k(size, place)
          where (o.listed ->> 'plan')::bigint = v_item.plan order by k.place));
      v_says := case
        when exists (select from privacy_console.plan_decision d where d.plan = v_item.plan and d.chosen is null)
          then 'Other people work in what this person owns; decide what happens to it under request ' || v_item.request || '.'
        when exists (select from privacy_console.plan_hold h where h.plan = v_item.plan)
          then 'A legal hold covers part of it; go on under request ' || v_item.request || '.' end;
    exception when sqlstate 'PC004' or sqlstate 'PC005' or sqlstate 'PC006' or sqlstate 'PC007' then
      v_says := sqlerrm;
    end;
    if v_says is null then
      update privacy_console.batch_item i set state = 'planned', sha256 = p.sha256 from privacy_console.plan p
        where p.id = v_item.plan and i.batch = p_batch and i.number = v_item.number;
    else
      perform privacy_console.set_aside(p_batch, v_item.number, v_says);
    end if;
  end loop;
  perform privacy_console.hold_briefly();
  return jsonb_build_object('ok', true);`,
  { declare: '  v_staff bigint; v_item privacy_console.batch_item; v_says text;' },
)}
${step(
  'batch_lines(p_batch bigint)',
  'table (collection text, action text, planned bigint, at_most bigint, because text, until timestamptz)',
  `  return query select l.collection, l.action, sum(l.planned)::bigint,
      sum(case when l.action in ('objects', 'detach', 'delete', 'anonymise') then privacy_console.most_of(l.planned) end)::bigint, l.because, max(l.until)
    from privacy_console.batch_item i join privacy_console.plan_line l on l.plan = i.plan
    where i.batch = p_batch and i.sha256 is not null group by l.collection, l.action, l.because order by min(l.step), l.collection, l.action, l.because;`,
)}
${step(
  'batch_text(p_batch privacy_console.batch)',
  'text',
  `  -- Made from the items and their plans' lines, so that bytes and rows can be held against each other.
  return '{"approvers":' || p_batch.approvers || ',"batch":' || p_batch.id
    || ',"items":' || (select coalesce(json_agg(json_build_array(i.number, i.subject, i.request, i.plan, i.sha256) order by i.number), '[]')::text
      from privacy_console.batch_item i where i.batch = p_batch.id and i.sha256 is not null)
    || ',"kind":' || to_json(p_batch.kind)::text || ',"map":' || to_json(p_batch.map_hash)::text
    || ',"reason":' || to_json(p_batch.reason)::text || ',"source":' || to_json(p_batch.source)::text
    || ',"totals":' || (select coalesce(json_agg(json_build_array(t.collection, t.action, t.planned, t.at_most, t.because,
        to_char(t.until at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))), '[]')::text from privacy_console.batch_lines(p_batch.id) t) || '}';`,
)}
${definer(
  'seal_batch(p_batch bigint, p_turn int)',
  'jsonb',
  `  perform privacy_console.only_write();
  perform 1 from privacy_console.batch b where b.id = p_batch for update;
  v_batch := privacy_console.my_turn(p_batch, p_turn);
  if v_batch.state <> 'planning' or exists (select from privacy_console.batch_item i where i.batch = p_batch and i.state = 'matched') then
    raise exception 'Not everybody of this batch has been planned.' using errcode = 'PC006';
  end if;
  if not exists (select from privacy_console.batch_item i where i.batch = p_batch and i.state = 'planned') then
    return jsonb_build_object('ok', true, 'planned', 0) || privacy_console.receipt(privacy_console.finish_batch(v_batch, 'done'));
  end if;
  v_batch.map_hash := (select d.hash from privacy_console.data_map d where d.current);
  v_batch.approvers := case when (select count(*) from privacy_console.batch_item i where i.batch = p_batch and i.state = 'planned') > privacy_console.setting_of('two_approvers_above_people')
      or (select coalesce(sum(l.planned), 0) from privacy_console.batch_lines(p_batch) l where l.action in ('objects', 'detach', 'delete', 'anonymise')) > privacy_console.setting_of('two_approvers_above')
    then 2 else 1 end;
  v_text := privacy_console.batch_text(v_batch);
  update privacy_console.batch b set map_hash = v_batch.map_hash, approvers = v_batch.approvers, bytes = convert_to(v_text, 'UTF8'),
      sha256 = encode(sha256(convert_to(v_text, 'UTF8')), 'hex'), state = 'awaiting', turn_until = null
    where b.id = p_batch;
  return jsonb_build_object('ok', true, 'planned', (select count(*) from privacy_console.batch_item i where i.batch = p_batch and i.state = 'planned'))
    || privacy_console.receipt(privacy_console.append('batch.planned', null, null, 'done', null,
      json_build_object('batch', p_batch, 'sha256', encode(sha256(convert_to(v_text, 'UTF8')), 'hex'), 'states', privacy_console.batch_states(p_batch))::text));`,
  { declare: '  v_batch privacy_console.batch; v_text text;' },
)}
${definer(
  'decide_batch(p_batch bigint, p_sha256 text, p_decision text, p_reason text)',
  'jsonb',
  `  -- One decision about everybody of the batch: it becomes the approval of each one's plan, which is what every deleting transaction asks for.
  perform privacy_console.only_write();
  v_staff := privacy_console.caller(array['operator', 'approver']);
  v_action := case p_decision when 'approve' then 'batch.approved' when 'deny' then 'batch.denied' end;
  if v_action is null or p_reason is null or length(trim(p_reason)) < 3 then
    raise exception 'Say approve or deny, and why.' using errcode = 'PC004';
  end if;
  select b.* into v_batch from privacy_console.batch b where b.id = p_batch for update;
  if v_batch.id is null then
    raise exception 'There is no batch %.', p_batch using errcode = 'PC005';
  end if;
  if not privacy_console.holds_role('approver') then
    return privacy_console.refused(v_action, null, null, 'not_permitted', 'Only an approver can decide about a batch.');
  elsif privacy_console.person_of(v_staff) = privacy_console.person_of(v_batch.staff) then
    return privacy_console.refused(v_action, null, null, 'not_permitted', 'Nobody decides about a batch of their own; another person has to.');
  elsif p_decision = 'approve' and not privacy_console.has_just_authenticated() then
    return privacy_console.refused(v_action, null, null, ${stale});
  elsif v_batch.state <> 'awaiting' then
    return privacy_console.refused(v_action, null, null, 'conflict', 'This batch is not waiting for a decision; read it again.');
  elsif p_decision = 'approve' and exists (select from privacy_console.approval a
      where a.batch = p_batch and a.decision = 'approve' and privacy_console.person_of(a.staff) = privacy_console.person_of(v_staff)) then
    return privacy_console.refused(v_action, null, null, 'conflict', 'You have approved this batch already; it needs a second approver.');
  elsif v_batch.sha256 is distinct from p_sha256 or v_batch.bytes is distinct from convert_to(privacy_console.batch_text(v_batch), 'UTF8') then
    return privacy_console.refused(v_action, null, null, 'conflict', 'This is not the batch you have read; read it again.');
  elsif p_decision = 'approve' and v_batch.map_hash <> (select d.hash from privacy_console.data_map d where d.current) then
    return privacy_console.refused(v_action, null, null, 'conflict', 'The data map has changed since this was planned; call the batch off and begin another one.');
  end if;
  -- People first, then their plans, in the order in which everybody takes them; the trail's latch comes last.
  perform 1 from privacy_console.subject s join privacy_console.batch_item i on i.subject = s.reference
    where i.batch = p_batch and i.state = 'planned' order by s.reference for update of s;
  for v_item in select i.* from privacy_console.batch_item i where i.batch = p_batch and i.state = 'planned' order by i.subject loop
    v_drift := null;
    select p.* into v_plan from privacy_console.plan p where p.id = v_item.plan for update;
    if v_plan.state <> 'awaiting' or v_plan.sha256 is distinct from v_item.sha256 then
      perform privacy_console.set_aside(p_batch, v_item.number, 'Its plan was denied, or made anew under request ' || v_item.request || '.');
    elsif p_decision = 'approve' then
      v_says := privacy_console.stopped_by(v_plan);
      if v_says is null then
        v_drift := privacy_console.drift_of(v_plan);
        v_says := 'The data has changed too much since it was counted (' || v_drift || ').';
      end if;
      if v_says is not null then
        perform privacy_console.void_plan(v_plan);
        perform privacy_console.set_aside(p_batch, v_item.number, v_says);
      end if;
    end if;
  end loop;
  v_entry := privacy_console.append(v_action, null, null, 'done', null,
    json_build_object('batch', p_batch, 'sha256', p_sha256, 'reason', trim(p_reason), 'states', privacy_console.batch_states(p_batch))::text);
  for v_item in select i.* from privacy_console.batch_item i where i.batch = p_batch and i.state = 'planned' order by i.subject loop
    select p.* into v_plan from privacy_console.plan p where p.id = v_item.plan;
    if p_decision = 'deny' then
      update privacy_console.plan p set state = 'denied' where p.id = v_plan.id;
      update privacy_console.request r set state = 'in_progress' where r.id = v_plan.request;
    end if;
    insert into privacy_console.approval (plan, staff, decision, sha256, expires_at, batch, entry)
      values (v_plan.id, v_staff, p_decision, v_plan.sha256, clock_timestamp() + make_interval(mins => privacy_console.setting_of('approval_minutes')), p_batch,
        privacy_console.append(case p_decision when 'approve' then 'plan.approved' else 'plan.denied' end, v_plan.subject, v_plan.request, 'done', v_plan.entry,
          json_build_object('plan', v_plan.id, 'sha256', v_plan.sha256, 'batch', p_batch)::text));
    if p_decision = 'approve' and privacy_console.is_approved(v_plan, clock_timestamp()) then
      update privacy_console.plan p set state = 'approved' where p.id = v_plan.id;
    end if;
  end loop;
  if p_decision = 'deny' then
    update privacy_console.batch_item i set state = 'set_aside', because = 'The batch was denied.' where i.batch = p_batch and i.state = 'planned';
    perform privacy_console.finish_batch(v_batch, 'denied');
  elsif exists (select from privacy_console.batch_item i join privacy_console.plan p on p.id = i.plan where i.batch = p_batch and i.state = 'planned' and p.state = 'approved') then
    update privacy_console.batch b set state = 'approved' where b.id = p_batch;
  end if;
  return jsonb_build_object('ok', true) || privacy_console.receipt(v_entry);`,
  {
    declare:
      '  v_staff bigint; v_action text; v_batch privacy_console.batch; v_item privacy_console.batch_item; v_plan privacy_console.plan; v_says text; v_drift text; v_entry bigint;',
  },
)}
${definer(
  'begin_items(p_batch bigint, p_turn int, p_limit int)',
  'jsonb',
  `  -- Begins or resumes the runs of the next people, each by the checks of any run; who can't be begun is set aside and stops nobody.
  perform privacy_console.only_write();
  v_staff := privacy_console.may_begin();
  -- Each person for one of those who work on it at the same time.
  perform 1 from privacy_console.batch b where b.id = p_batch for update;
  v_batch := privacy_console.my_turn(p_batch, p_turn);
  if v_batch.state = 'planning' then
    raise exception 'This batch has not been approved.' using errcode = 'PC006';
  end if;
  if v_batch.state = 'approved' then
    if (select count(distinct privacy_console.person_of(a.staff)) from privacy_console.approval a
        where a.batch = p_batch and a.decision = 'approve' and a.expires_at > clock_timestamp()) < v_batch.approvers then
      return privacy_console.refused('batch.run', null, null, 'refused', 'The approval has expired; call the batch off and begin another one.');
    end if;
    update privacy_console.batch b set state = 'running' where b.id = p_batch;
  end if;
  for v_item in select i.* from privacy_console.batch_item i where i.batch = p_batch and i.state = 'planned' and i.turn < p_turn
      order by i.subject limit least(greatest(p_limit, 1), 100) loop
    update privacy_console.batch_item i set turn = p_turn where i.batch = p_batch and i.number = v_item.number;
    continue when exists (select from privacy_console.run r where r.plan = v_item.plan and r.state = 'waiting' and r.due_at > clock_timestamp());
    begin
      v_did := privacy_console.begin_for(v_item.plan, v_staff);
    exception when sqlstate 'PC004' or sqlstate 'PC005' or sqlstate 'PC006' or sqlstate 'PC007' then
      v_did := jsonb_build_object('says', sqlerrm);
    end;
    if v_did ? 'run' then
      update privacy_console.batch_item i set because = null where i.batch = p_batch and i.number = v_item.number;
      v_begun := v_begun || jsonb_build_object('plan', v_item.plan, 'request', v_item.request, 'begun', v_did);
    else
      select p.* into v_plan from privacy_console.plan p where p.id = v_item.plan;
      if v_plan.state = 'running' then
        update privacy_console.batch_item i set because = v_did ->> 'says' where i.batch = p_batch and i.number = v_item.number;
      else
        perform privacy_console.set_aside(p_batch, v_item.number, coalesce(privacy_console.stopped_by(v_plan), case v_plan.state when 'approved' then v_did ->> 'says'
          else 'Its plan was called off, denied, or made anew under request ' || v_item.request || '.' end));
        if v_plan.state = 'approved' then
          perform privacy_console.void_plan(v_plan);
        end if;
      end if;
    end if;
  end loop;
  perform privacy_console.hold_briefly();
  return jsonb_build_object('ok', true, 'begun', v_begun,
    'more', exists (select from privacy_console.batch_item i where i.batch = p_batch and i.state = 'planned' and i.turn < p_turn));`,
  {
    declare:
      "  v_staff bigint; v_batch privacy_console.batch; v_item privacy_console.batch_item; v_plan privacy_console.plan; v_did jsonb; v_begun jsonb := '[]';",
  },
)}
${step(
  'end_item(p_plan privacy_console.plan)',
  'void',
  `  -- Called by what ends a deletion: the batch knows it, and the request it opened is closed.
  update privacy_console.batch_item i set state = 'done', because = null where i.plan = p_plan.id and i.state = 'planned' returning i.opened into v_opened;
  if v_opened then
    update privacy_console.request r set state = 'closed', closed_at = clock_timestamp(), outcome = 'done' where r.id = p_plan.request;
    perform privacy_console.append('request.closed', p_plan.subject, p_plan.request, 'done', null, json_build_object('outcome', 'done')::text);
  end if;`,
  { declare: '  v_opened boolean;' },
)}
${step(
  'finish_batch(p_batch privacy_console.batch, p_state text)',
  'bigint',
  `  -- The report: what came of each line, in references and numbers alone.
  v_text := '{"actors":{"approved":' || (select coalesce(json_agg(distinct s.login order by s.login), '[]')::text from privacy_console.approval a join privacy_console.staff s on s.id = a.staff
        where a.batch = p_batch.id and a.decision = 'approve')
      || ',"began":' || (select to_json(s.login)::text from privacy_console.staff s where s.id = p_batch.staff) || ',"ended":' || to_json(session_user::text)::text || '}'
    || ',"batch":' || p_batch.id || ',"began":"' || to_char(p_batch.made_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') || '"'
    || ',"finished":"' || to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') || '"'
    || ',"items":' || (select coalesce(json_agg(json_build_object('line', i.number, 'state', i.state, 'because', i.because, 'subject', i.subject, 'request', i.request,
        'certificate', c.sha256,
        'outcomes', case when c.plan is null then '[]'::json else (select coalesce(json_agg(o.value), '[]') from json_array_elements(c.text::json -> 'outcomes') o(value)
          where o.value ->> 'outcome' <> 'not_found') end) order by i.number), '[]')::text
      from privacy_console.batch_item i left join privacy_console.certificate c on c.plan = i.plan where i.batch = p_batch.id)
    || ',"kind":' || to_json(p_batch.kind)::text || ',"plan":' || coalesce(to_json(p_batch.sha256)::text, 'null')
    || ',"reason":' || to_json(p_batch.reason)::text || ',"report":1,"source":' || to_json(p_batch.source)::text
    || ',"state":' || to_json(p_state)::text || ',"states":' || privacy_console.batch_states(p_batch.id)::text || '}';
  update privacy_console.batch b set state = p_state, finished_at = clock_timestamp(), turn_until = null,
      report = v_text, report_sha256 = encode(sha256(convert_to(v_text, 'UTF8')), 'hex')
    where b.id = p_batch.id;
  return privacy_console.append('batch.ended', null, null, 'done', p_batch.entry,
    json_build_object('batch', p_batch.id, 'state', p_state, 'report', encode(sha256(convert_to(v_text, 'UTF8')), 'hex'), 'states', privacy_console.batch_states(p_batch.id))::text);`,
  { declare: '  v_text text;' },
)}
${definer(
  'end_batch(p_batch bigint, p_turn int)',
  'jsonb',
  `  perform privacy_console.only_write();
  perform 1 from privacy_console.batch b where b.id = p_batch for update;
  v_batch := privacy_console.my_turn(p_batch, p_turn);
  if exists (select from privacy_console.batch_item i where i.batch = p_batch and i.state in ('unmatched', 'matched', 'planned')) then
    update privacy_console.batch b set turn_until = null where b.id = p_batch;
    perform privacy_console.hold_briefly();
    return jsonb_build_object('ok', true, 'complete', false, 'left',
      (select count(*) from privacy_console.batch_item i where i.batch = p_batch and i.state in ('unmatched', 'matched', 'planned')));
  end if;
  v_entry := privacy_console.finish_batch(v_batch, 'done');
  return jsonb_build_object('ok', true, 'complete', true, 'left', 0) || privacy_console.receipt(v_entry);`,
  { declare: '  v_batch privacy_console.batch; v_entry bigint;' },
)}
${definer(
  'call_off_batch(p_batch bigint, p_reason text)',
  'jsonb',
  `  -- What is done stays done and is told; what has begun goes on by itself; nobody else is begun.
  perform privacy_console.only_write();
  perform privacy_console.caller(array['operator', 'approver']);
  if p_reason is null or length(trim(p_reason)) < 3 or length(p_reason) > 2000 then
    raise exception 'Say why it is called off, in 3 to 2000 characters.' using errcode = 'PC004';
  end if;
  select b.* into v_batch from privacy_console.batch b where b.id = p_batch and b.state in ${open} for update;
  if v_batch.id is null then
    raise exception 'There is no batch % that goes on.', p_batch using errcode = 'PC005';
  end if;
  perform 1 from privacy_console.subject s join privacy_console.batch_item i on i.subject = s.reference
    where i.batch = p_batch and i.state in ('matched', 'planned') order by s.reference for update of s;
  for v_item in select i.* from privacy_console.batch_item i where i.batch = p_batch and i.state in ('unmatched', 'matched', 'planned') order by i.subject loop
    select p.* into v_plan from privacy_console.plan p where p.id = v_item.plan for update;
    if v_plan.state in ('draft', 'awaiting', 'approved') then
      perform privacy_console.void_plan(v_plan);
    end if;
    perform privacy_console.set_aside(p_batch, v_item.number, case v_plan.state
      when 'running' then 'It had begun when the batch was called off; it goes on by itself under request ' || v_item.request || '.' else 'The batch was called off.' end);
  end loop;
  update privacy_console.batch_item i set identifier = null where i.batch = p_batch and i.identifier is not null;
  perform privacy_console.append('batch.called_off', null, null, 'done', null, json_build_object('batch', p_batch, 'reason', trim(p_reason))::text);
  return jsonb_build_object('ok', true) || privacy_console.receipt(privacy_console.finish_batch(v_batch, 'cancelled'));`,
  {
    declare:
      '  v_batch privacy_console.batch; v_item privacy_console.batch_item; v_plan privacy_console.plan;',
  },
)}
${definer(
  'do_batch_task(p_batch bigint, p_name text, p_evidence text)',
  'jsonb',
  `  -- What was done by hand for everybody of a batch who still asks for it; each one's own entry says so.
  perform privacy_console.only_write();
  v_staff := privacy_console.caller(array['operator']);
  if p_evidence is null or length(trim(p_evidence)) < 3 or length(p_evidence) > 2000 then
    raise exception 'Say what shows that it was done, in 3 to 2000 characters.' using errcode = 'PC004';
  end if;
  for v_plan in select p.* from privacy_console.batch b join privacy_console.batch_item i on i.batch = b.id join privacy_console.plan p on p.id = i.plan
      where b.id = p_batch and b.state in ('approved', 'running') and i.state = 'planned' and p.state in ('approved', 'running')
        and exists (select from privacy_console.plan_task t where t.plan = p.id and t.name = p_name and t.done_at is null) order by p.id for update of p loop
    v_people := v_people + 1;
    v_entry := privacy_console.task_done(v_plan, v_staff, p_name, p_evidence);
  end loop;
  if v_people = 0 then
    raise exception 'No such task is open for anybody of this batch; tasks are done once it is approved, and until it has ended.' using errcode = 'PC005';
  end if;
  return jsonb_build_object('ok', true, 'people', v_people) || privacy_console.receipt(v_entry);`,
  { declare: '  v_staff bigint; v_plan privacy_console.plan; v_people int := 0; v_entry bigint;' },
)}
${definer(
  'batches(p_batch bigint, p_waiting boolean)',
  'setof jsonb',
  `  perform privacy_console.caller(${everyone});
  -- What is not committed would leave no trace.
  if pg_current_xact_id_if_assigned() is not null then
    raise exception 'This transaction has already written; commit it before reading batches.' using errcode = 'PC003';
  end if;
  return query select jsonb_build_object('id', b.id, 'source', b.source, 'kind', b.kind, 'form', b.form, 'by', s.login, 'at', b.made_at, 'reason', b.reason,
      'state', b.state, 'sha256', b.sha256, 'approversNeeded', b.approvers, 'finishedAt', b.finished_at, 'report', b.report_sha256, 'entry', b.entry,
      'worker', case when b.turn_until > clock_timestamp() then (select w.login from privacy_console.staff w where w.id = b.turn_staff) end,
      'states', privacy_console.batch_states(b.id),
      'waiting', (select count(*) from privacy_console.batch_item i join privacy_console.run r on r.plan = i.plan where i.batch = b.id and i.state = 'planned' and r.state = 'waiting'),
      'unfinished', (select count(*) from privacy_console.batch_item i join privacy_console.run r on r.plan = i.plan where i.batch = b.id and i.state = 'planned' and r.state <> 'waiting'),
      'dueAt', (select min(r.due_at) from privacy_console.batch_item i join privacy_console.run r on r.plan = i.plan where i.batch = b.id and i.state = 'planned' and r.state = 'waiting'),
      'lines', case when p_batch is null then '[]' else (select coalesce(jsonb_agg(jsonb_build_object('collection', l.collection, 'action', l.action, 'rows', l.planned, 'atMost', l.at_most,
          'because', l.because, 'until', l.until)), '[]') from privacy_console.batch_lines(b.id) l) end,
      'tasks', case when p_batch is null then '[]' else (select coalesce(jsonb_agg(jsonb_build_object('name', x.name, 'title', x.title, 'owner', x.owner, 'when', x.moment, 'open', x.open) order by x.moment desc, x.name), '[]') from (
        select t.name, t.title, t.owner, t.moment, count(*) filter (where t.done_at is null) as open from privacy_console.batch_item i join privacy_console.plan_task t on t.plan = i.plan
          where i.batch = b.id and i.state in ('planned', 'done') group by 1, 2, 3, 4) x) end,
      'approvals', (select coalesce(jsonb_agg(jsonb_build_object('by', a.login, 'at', a.at, 'decision', a.decision, 'expiresAt', a.expires_at) order by a.at), '[]') from (
        select w.login, a.decision, min(a.at) as at, max(a.expires_at) as expires_at from privacy_console.approval a join privacy_console.staff w on w.id = a.staff
          where a.batch = b.id group by w.login, a.decision) a))
    from privacy_console.batch b join privacy_console.staff s on s.id = b.staff
    where (p_batch is null or b.id = p_batch) and (not p_waiting or b.state = 'awaiting') order by b.id desc limit 100;`,
)}
${definer(
  'batch_items(p_batch bigint, p_after int, p_limit int, p_states text[])',
  'setof jsonb',
  `  perform privacy_console.caller(${everyone});
  if pg_current_xact_id_if_assigned() is not null then
    raise exception 'This transaction has already written; commit it before reading batches.' using errcode = 'PC003';
  end if;
  return query select jsonb_build_object('line', i.number, 'state', i.state, 'because', i.because, 'subject', i.subject, 'request', i.request, 'planId', i.plan,
      'planState', p.state, 'run', r.state, 'rows', (select coalesce(sum(l.planned), 0) from privacy_console.plan_line l where l.plan = i.plan and l.action in ('objects', 'detach', 'delete', 'anonymise')),
      'kept', (select coalesce(jsonb_agg(jsonb_build_object('collection', l.collection, 'rows', l.planned, 'because', l.because, 'until', l.until) order by l.step), '[]')
        from privacy_console.plan_line l where l.plan = i.plan and l.action = 'keep' and l.planned > 0))
    from privacy_console.batch_item i left join privacy_console.plan p on p.id = i.plan left join privacy_console.run r on r.plan = i.plan
    where i.batch = p_batch and i.number > p_after and (p_states is null or i.state = any (p_states)) order by i.number limit least(p_limit, 1000);`,
)}
${definer(
  'batch_report(p_batch bigint)',
  'table (text text, sha256 text)',
  `  perform privacy_console.caller(${everyone});
  return query select b.report, b.report_sha256 from privacy_console.batch b where b.id = p_batch and b.report is not null;`,
)}
${definer(
  'intend_closed()',
  'jsonb',
  `  -- Whose account is closed, and since when, is told on the record only.
  perform privacy_console.only_write();
  perform privacy_console.caller(array['operator']);
  perform privacy_console.refuse_where_unsafe();
  perform privacy_console.refuse_bypass();
  return jsonb_build_object('ok', true) || privacy_console.receipt(privacy_console.append('closed.listed', null, null, 'done', null, null));`,
)}
${definer(
  'closed_accounts(p_intent bigint, p_after text, p_limit int)',
  'setof jsonb',
  `  perform privacy_console.caller(array['operator']);
  if pg_current_xact_id_if_assigned() is not null or not exists (select from privacy_console.entry e
      where e.number = p_intent and e.action = 'closed.listed' and e.actor = session_user::text and e.at > clock_timestamp() - interval '15 minutes') then
    raise exception 'Reading the queue of closed accounts has to be announced first; read it again.' using errcode = 'PC001';
  end if;
  v_days := privacy_console.setting_of('closed_days');
  v_left := least(greatest(p_limit, 1), 100);
  -- The kinds of the map one after the other; each in the order of what is due.
  for v_kind in select k.kind from privacy_console.subject_kind k
      where p_after is null or k.kind >= (select s.kind from privacy_console.subject s where s.reference = p_after) order by k.kind loop
    v_at := null;
    v_key := null;
    if p_after is not null then
      select c.closed_at, c.key into v_at, v_key from privacy_console.subject s cross join lateral privacy_console.closed_of(s.kind, array[s.key]) c
        where s.reference = p_after and s.kind = v_kind;
    end if;
    loop
      exit when v_left = 0;
      select coalesce(array_agg(c.key order by c.closed_at, c.key collate "C"), '{}'), array_agg(c.closed_at order by c.closed_at, c.key collate "C") into v_keys, v_times
        from privacy_console.closed_among(v_kind, v_at, v_key, 200) c;
      exit when cardinality(v_keys) = 0;
      -- Who was erased is not told again by the row that the law kept.
      v_references := privacy_console.references_of(v_kind, v_keys);
      for v_row in select c.key, c.closed_at from unnest(v_keys, v_times) with ordinality c(key, closed_at, place) where v_references ? c.key order by c.place limit v_left loop
        v_left := v_left - 1;
        v_reference := v_references ->> v_row.key;
        select coalesce(jsonb_object_agg(x.name, x.keys), '{}') into v_scope from (
          select e.name, jsonb_agg(e.value order by e.value) as keys from privacy_console.erasure_scope(v_kind, v_row.key, '{}') e group by e.name) x;
        return next jsonb_build_object('subject', v_reference, 'kind', v_kind, 'closedAt', v_row.closed_at, 'dueAt', v_row.closed_at + make_interval(days => v_days),
          'daysLeft', floor(extract(epoch from v_row.closed_at + make_interval(days => v_days) - clock_timestamp()) / 86400),
          'request', (select jsonb_build_object('id', r.id, 'state', r.state) from privacy_console.request r
            where r.subject = v_reference and r.kind = 'deletion' and r.state <> 'closed' order by r.id limit 1),
          'plan', (select jsonb_build_object('id', p.id, 'state', p.state) from privacy_console.plan p where p.subject = v_reference and p.state in ('awaiting', 'approved', 'running') order by p.id desc limit 1),
          'batch', (select min(i.batch) from privacy_console.batch_item i join privacy_console.batch b on b.id = i.batch
            where i.subject = v_reference and i.state in ('matched', 'planned') and b.state in ${open}),
          'hold', (select min(h.id) from privacy_console.hold h where h.subject = v_reference and h.lifted_at is null),
          'restriction', (select r.id from privacy_console.restriction r where r.subject = v_reference and r.lifted_at is null),
          'kept', (select coalesce(jsonb_agg(jsonb_build_object('collection', x.collection, 'rows', x.planned, 'because', x.because, 'until', x.until) order by x.place), '[]')
            from privacy_console.rows_to_erase(v_kind, v_row.key, v_scope, v_reference) x where x.action = 'keep' and x.planned > 0));
      end loop;
      exit when cardinality(v_keys) < 200;
      v_at := v_times[200];
      v_key := v_keys[200];
    end loop;
  end loop;`,
  {
    declare:
      '  v_days int; v_left int; v_kind text; v_at timestamptz; v_key text; v_keys text[]; v_times timestamptz[]; v_references jsonb; v_row record; v_reference text; v_scope jsonb;',
  },
)}
${definer(
  'closed_counts()',
  'table (closed bigint, late bigint, days int, floor_days int)',
  `  -- How many, and nothing of whom.
  perform privacy_console.caller(${everyone});
  if privacy_console.holds_role('operator') or privacy_console.holds_role('approver') then
    return query select count(*), count(*) filter (where c.closed_at + make_interval(days => privacy_console.setting_of('closed_days')) < clock_timestamp()),
        privacy_console.setting_of('closed_days'), privacy_console.floor_days()
      from privacy_console.subject_kind k cross join privacy_console.installation i cross join lateral privacy_console.closed_among(k.kind, null, null, 10000) c
      where not exists (select from privacy_console.subject s
        where s.key_hash = sha256(i.secret || convert_to(k.kind || ':' || c.key, 'UTF8')) and s.erased_at is not null);
  end if;`,
)}
`;

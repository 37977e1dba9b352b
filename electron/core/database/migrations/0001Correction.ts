import { correctionFormats, formatRules } from '#shared/domain/corrections.ts';
import { definer, step } from '../pins.ts';
import { stale } from './0001Trail.ts';

const everyone = "array['viewer', 'operator', 'approver', 'auditor', 'admin']";
/** Those that may still be carried out. */
const open = "('proposed', 'shown', 'approved')";
/** How long after its intent a proposal may be shown, as a reveal. */
const previewMinutes = 5;

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

const fits = correctionFormats
  .map(
    (format) =>
      `when '${format}' then length(p_value) <= ${formatRules[format].most} and p_value ~ ${quoted(formatRules[format].pattern)}`,
  )
  .join('\n    ');

/**
 * Corrections: proposed with the new values, which commits the intent; shown beside what is held, each value tried in
 * its row and taken back; where the map and the installation ask for it, approved by another person; carried out with
 * every copy in one transaction; undone within thirty days. Values lie beside the trail and go after that time, and with
 * the person. What touches the platform's rows is generated from the data map. Run as the trail's owner.
 */
export const correcting = `
create table privacy_console.correctable (
  kind text, collection text, column_name text, format text not null, identity boolean not null, nullable boolean not null,
  primary key (kind, collection, column_name)
);

create table privacy_console.correction (
  id bigint generated always as identity primary key,
  request bigint not null references privacy_console.request,
  subject text not null references privacy_console.subject,
  staff bigint not null references privacy_console.staff,
  -- Under which it was proposed; null for one that undoes another.
  access bigint references privacy_console.access,
  collection text not null,
  -- Gone with the values.
  row_key text,
  undoes bigint references privacy_console.correction,
  identity boolean not null,
  state text not null default 'proposed' check (state in ('proposed', 'shown', 'approved', 'denied', 'done', 'undone', 'void')),
  proposed_at timestamptz not null default clock_timestamp(),
  map_hash text not null,
  -- Gone with the values, so that nobody can try some against the hash.
  salt bytea,
  sha256 text,
  decided_by bigint references privacy_console.staff,
  decided_at timestamptz,
  decided_sha256 text,
  done_at timestamptz,
  entry bigint not null references privacy_console.entry
);
create index correction_request on privacy_console.correction (request);
create index correction_known on privacy_console.correction (subject) where row_key is not null;

-- What is corrected; the two values go after thirty days, and with the person.
create table privacy_console.correction_value (
  correction bigint not null references privacy_console.correction,
  place int not null,
  column_name text not null,
  before text,
  after text,
  verdict text check (verdict in ('fits', 'same', 'taken', 'forbidden', 'unfit', 'held')),
  primary key (correction, place)
);

-- Where else the old value stands, and what hangs on it: numbers of rows.
create table privacy_console.correction_place (
  correction bigint not null references privacy_console.correction,
  column_name text not null,
  role text not null check (role in ('copy', 'elsewhere', 'lost', 'gained')),
  collection text not null,
  in_column text not null,
  rows bigint not null,
  primary key (correction, column_name, role, collection, in_column)
);

-- What was written, so that it can be taken back.
create table privacy_console.correction_change (
  correction bigint not null references privacy_console.correction,
  number int not null,
  collection text not null,
  column_name text not null,
  row_keys text[] not null,
  copy boolean not null,
  before text,
  after text,
  primary key (correction, number)
);

insert into privacy_console.setting values ('corrections_per_hour', 60), ('undo_days', 30);

${step(
  'value_fits(p_format text, p_value text)',
  'boolean',
  `  return case p_format
    ${fits}
    end;`,
)}
${step(
  'needs_second(p_correction privacy_console.correction)',
  'boolean',
  `  -- In production, or where the installation says so otherwise.
  return p_correction.identity and coalesce(privacy_console.setting_of('identity_by_two'),
    case (select i.environment from privacy_console.installation i) when 'production' then 1 else 0 end) > 0;`,
)}
${step(
  'correction_expires(p_correction privacy_console.correction)',
  'timestamptz',
  `  return coalesce(p_correction.decided_at, p_correction.proposed_at) + make_interval(mins => privacy_console.setting_of('approval_minutes'));`,
)}
${step(
  'undo_until(p_correction privacy_console.correction)',
  'timestamptz',
  `  return case when p_correction.state = 'done' and p_correction.undoes is null and p_correction.row_key is not null
    then p_correction.done_at + make_interval(days => privacy_console.setting_of('undo_days')) end;`,
)}
${step(
  'correction_hash(p_correction privacy_console.correction)',
  'text',
  `  -- Of everything that is carried out, from the rows it is carried out by.
  return encode(sha256(p_correction.salt || convert_to(json_build_array(p_correction.id, p_correction.request, p_correction.subject, p_correction.collection,
      p_correction.row_key, p_correction.undoes, p_correction.map_hash,
      (select json_agg(json_build_array(v.column_name, v.before, v.after, v.verdict) order by v.place) from privacy_console.correction_value v where v.correction = p_correction.id),
      (select json_agg(json_build_array(w.column_name, w.role, w.collection, w.in_column, w.rows) order by w.column_name, w.role, w.collection, w.in_column)
        from privacy_console.correction_place w where w.correction = p_correction.id))::text, 'UTF8')), 'hex');`,
)}
${step(
  'correction_content(p_correction privacy_console.correction)',
  'jsonb',
  `  return jsonb_build_object('sha256', p_correction.sha256, 'row', p_correction.row_key,
    'values', (select jsonb_agg(jsonb_build_object('column', v.column_name, 'before', v.before, 'after', v.after, 'verdict', v.verdict) order by v.place)
      from privacy_console.correction_value v where v.correction = p_correction.id),
    'places', (select coalesce(jsonb_agg(jsonb_build_object('column', w.column_name, 'role', w.role, 'collection', w.collection, 'inColumn', w.in_column, 'rows', w.rows)
        order by w.column_name, w.role, w.collection, w.in_column), '[]')
      from privacy_console.correction_place w where w.correction = p_correction.id));`,
)}
${step(
  'lock_request_of(p_correction bigint)',
  'void',
  `  -- Person, request, correction: in this order everywhere.
  perform 1 from privacy_console.request r where r.id = (select c.request from privacy_console.correction c where c.id = p_correction) for update;`,
)}
${step(
  'forget_correction(p_correction bigint)',
  'void',
  `  delete from privacy_console.correction_change h where h.correction = p_correction;
  update privacy_console.correction_value v set before = null, after = null where v.correction = p_correction;
  update privacy_console.correction c set row_key = null, salt = null, state = case when c.state in ${open} then 'void' else c.state end where c.id = p_correction;`,
)}
${step(
  'forget_corrections(p_subject text)',
  'void',
  `  -- All of a person's; or of everybody what nobody can take back any more, or never carried out.
  perform privacy_console.forget_correction(c.id) from privacy_console.correction c
    where c.row_key is not null and case when p_subject is null
      then coalesce(privacy_console.undo_until(c), privacy_console.correction_expires(c)) < clock_timestamp() else c.subject = p_subject end;`,
)}
${step(
  'void_corrections(p_request bigint)',
  'jsonb',
  `  -- Closes what a request leaves open, and tells what was corrected under it.
  perform privacy_console.forget_correction(c.id) from privacy_console.correction c where c.request = p_request and c.state in ${open};
  return (select jsonb_agg(jsonb_build_object('correction', c.id, 'collection', c.collection,
      'columns', (select jsonb_agg(v.column_name order by v.place) from privacy_console.correction_value v where v.correction = c.id)) order by c.id)
    from privacy_console.correction c where c.request = p_request and c.state = 'done' and c.undoes is null);`,
)}
${definer(
  'intend_correction(p_access bigint, p_request bigint, p_collection text, p_row_key text, p_values jsonb, p_reason text)',
  'jsonb',
  `  perform privacy_console.only_write();
  v_staff := privacy_console.caller(array['operator']);
  perform privacy_console.subject_of(p_access, array['view'], null);
  select a.subject, s.kind into v_subject, v_kind from privacy_console.access a join privacy_console.subject s on s.reference = a.subject where a.id = p_access;
  if length(trim(coalesce(p_reason, ''))) not between 3 and 2000 then
    raise exception 'Say why this is corrected, in 3 characters or more.' using errcode = 'PC004';
  end if;
  if jsonb_typeof(p_values) is distinct from 'object' or (select count(*) not between 1 and 40 or bool_or(jsonb_typeof(x.value) not in ('string', 'null')) from jsonb_each(p_values) x(name, value))
      or p_row_key is null or length(p_row_key) > 2000 then
    raise exception 'Name the record, and each column with its new value, a text or nothing.' using errcode = 'PC004';
  end if;
  if exists (select from jsonb_object_keys(p_values) k(name) where not exists (select from privacy_console.correctable c
      where c.kind = v_kind and c.collection = p_collection and c.column_name = k.name)) then
    raise exception 'The data map lets nothing of that name be corrected there.' using errcode = 'PC005';
  end if;
  select string_agg(c.column_name, ', ' order by c.column_name) into v_wrong
    from jsonb_each_text(p_values) x(name, value) join privacy_console.correctable c on c.kind = v_kind and c.collection = p_collection and c.column_name = x.name
    where case when x.value is null then not c.nullable else not privacy_console.value_fits(c.format, x.value) end;
  if v_wrong is not null then
    raise exception 'The new value has not the form that this takes: %. Correct it and propose it again.', v_wrong using errcode = 'PC004';
  end if;
  select r.kind, r.state, r.subject into v_request from privacy_console.request r where r.id = p_request for update;
  if v_request.kind is null then
    raise exception 'There is no request %.', p_request using errcode = 'PC005';
  end if;
  if v_request.state = 'closed' or v_request.kind <> 'correction' or v_request.subject is distinct from v_subject then
    return privacy_console.refused('correction.intended', v_subject, null, 'refused', 'A correction needs an open correction request that names this person.');
  end if;
  v_says := privacy_console.restricted_for(v_subject, p_request);
  if v_says is not null then
    return privacy_console.refused('correction.intended', v_subject, p_request, 'refused', v_says);
  end if;
  if not privacy_console.spend(v_staff, 'corrections', 'corrections_per_hour') then
    return privacy_console.refused('correction.intended', v_subject, p_request, 'budget_spent',
      'The hourly budget of corrections is spent; wait a few minutes, or ask an administrator to raise it.');
  end if;
  perform privacy_console.forget_corrections(null);
  -- Of one record one proposal is open: an approval covers exactly one.
  perform privacy_console.forget_correction(c.id) from privacy_console.correction c
    where c.subject = v_subject and c.collection = p_collection and c.row_key = p_row_key and c.state in ${open};
  v_entry := privacy_console.append('correction.intended', v_subject, p_request, 'intent', null, json_build_object('collection', p_collection, 'row', p_row_key,
    'columns', (select json_agg(k.name order by k.name) from jsonb_object_keys(p_values) k(name)), 'reason', trim(p_reason))::text);
  insert into privacy_console.correction (request, subject, staff, access, collection, row_key, identity, map_hash, salt, entry)
    select p_request, v_subject, v_staff, p_access, p_collection, p_row_key,
        exists (select from privacy_console.correctable c where c.kind = v_kind and c.collection = p_collection and p_values ? c.column_name and c.identity),
        d.hash, decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex'), v_entry
      from privacy_console.data_map d where d.current returning id into v_id;
  insert into privacy_console.correction_value (correction, place, column_name, after)
    select v_id, row_number() over (order by x.name), x.name, x.value from jsonb_each_text(p_values) x(name, value);
  return jsonb_build_object('ok', true, 'correction', v_id) || privacy_console.receipt(v_entry);`,
  {
    declare:
      '  v_staff bigint; v_subject text; v_kind text; v_wrong text; v_request record; v_says text; v_entry bigint; v_id bigint;',
  },
)}
${definer(
  'preview_correction(p_correction bigint)',
  'jsonb',
  `  perform privacy_console.only_write();
  v_staff := privacy_console.caller(array['operator']);
  perform privacy_console.lock_request_of(p_correction);
  select c.* into v_correction from privacy_console.correction c
    where c.id = p_correction and c.staff = v_staff and c.undoes is null and c.state = 'proposed' and c.row_key is not null for update;
  if v_correction.id is null then
    raise exception 'There is no proposal of yours with that number that was not shown yet; propose it again.' using errcode = 'PC005';
  end if;
  if v_correction.proposed_at < clock_timestamp() - interval '${previewMinutes} minutes' then
    raise exception 'This proposal is older than ${previewMinutes} minutes; propose it again.' using errcode = 'PC001';
  end if;
  select s.kind into v_kind from privacy_console.subject s where s.reference = v_correction.subject;
  v_key := privacy_console.subject_of(v_correction.access, array['view'], v_kind);
  perform privacy_console.keep_holds_out();
  v_says := privacy_console.restricted_for(v_correction.subject, v_correction.request);
  if v_says is not null then
    return privacy_console.refused('correction.shown', v_correction.subject, v_correction.request, 'refused', v_says);
  end if;
  v_held := privacy_console.held_parts(v_kind, v_key, '{}', null);
  for v_value in select v.* from privacy_console.correction_value v where v.correction = p_correction order by v.place loop
    v_places := (select jsonb_agg(to_jsonb(x)) from privacy_console.value_places(v_kind, v_correction.collection, v_value.column_name, v_key, v_correction.row_key, v_value.after, v_held) x);
    v_before := (select x.value ->> 'before' from jsonb_array_elements(v_places) x(value) where x.value ->> 'role' = 'field');
    insert into privacy_console.correction_place (correction, column_name, role, collection, in_column, rows)
      select p_correction, v_value.column_name, x.role, x.collection, x.column_name, sum(x.rows)
        from jsonb_to_recordset(v_places) x(role text, collection text, column_name text, rows bigint) where x.role <> 'field' group by x.role, x.collection, x.column_name;
    insert into privacy_console.correction_place (correction, column_name, role, collection, in_column, rows)
      select p_correction, v_value.column_name, 'elsewhere', e.collection, e.column_name, e.rows
        from privacy_console.correctable c cross join lateral privacy_console.value_elsewhere(v_kind, v_key, c.format, v_before) e
        where c.kind = v_kind and c.collection = v_correction.collection and c.column_name = v_value.column_name
          and (e.collection, e.column_name) <> (c.collection, c.column_name)
          and not exists (select from privacy_console.correction_place w where w.correction = p_correction and w.column_name = v_value.column_name
            and w.collection = e.collection and w.in_column = e.column_name and w.role in ('copy', 'lost'));
    if exists (select from jsonb_array_elements(v_places) x(value) where (x.value ->> 'held')::bigint > 0) then
      v_verdict := 'held';
    elsif v_before is not distinct from v_value.after then
      v_verdict := 'same';
    else
      -- The value is tried in its row, with its copies, and taken back: the platform's own constraints and triggers say what they think of it.
      begin
        perform privacy_console.write_places(v_kind, v_key, v_places, v_value.after, v_held);
        raise exception 'tried' using errcode = 'PC009';
      exception
        when sqlstate 'PC009' then v_verdict := 'fits';
        when unique_violation or exclusion_violation then v_verdict := 'taken';
        when data_exception then v_verdict := 'unfit';
        when integrity_constraint_violation or raise_exception or insufficient_privilege or sqlstate 'PC006' then v_verdict := 'forbidden';
      end;
    end if;
    update privacy_console.correction_value v set before = v_before, verdict = v_verdict where v.correction = p_correction and v.place = v_value.place;
  end loop;
  update privacy_console.correction c set state = 'shown', sha256 = privacy_console.correction_hash(v_correction) where c.id = p_correction returning c.* into v_correction;
  update privacy_console.request r set state = case when privacy_console.needs_second(v_correction) then 'waiting_approval' else 'in_progress' end
    where r.id = v_correction.request and r.state <> 'closed';
  return jsonb_build_object('ok', true, 'content', privacy_console.correction_content(v_correction))
    || privacy_console.receipt(privacy_console.append('correction.shown', v_correction.subject, v_correction.request, 'done', v_correction.entry, null));`,
  {
    declare:
      '  v_staff bigint; v_correction privacy_console.correction; v_kind text; v_key text; v_held jsonb; v_value privacy_console.correction_value; v_places jsonb; v_before text; v_verdict text; v_says text;',
  },
)}
${step(
  'write_places(p_kind text, p_key text, p_places jsonb, p_after text, p_held jsonb)',
  'setof jsonb',
  `  -- The row itself first, then its copies; each has to hold what was seen of it.
  for v_place in select x.* from jsonb_to_recordset(p_places) x(role text, collection text, column_name text, before text, row_keys jsonb, rows bigint)
      where x.role in ('field', 'copy') order by x.role desc, x.collection, x.column_name, x.before loop
    v_written := privacy_console.write_value(p_kind, v_place.collection, v_place.column_name, p_key,
      array(select k.value from jsonb_array_elements_text(v_place.row_keys) k(value)), v_place.before, p_after, p_held);
    if (v_written ->> 'rows')::bigint <> v_place.rows or v_written ->> 'stored' is distinct from p_after and v_written ->> 'stored' is not distinct from v_place.before then
      raise exception 'Something has changed since it was shown, or the platform puts the old value back; propose it again.' using errcode = 'PC006';
    end if;
    return next v_written || jsonb_build_object('collection', v_place.collection, 'column', v_place.column_name, 'copy', v_place.role = 'copy', 'before', v_place.before);
  end loop;`,
  { declare: '  v_place record; v_written jsonb;' },
)}
${definer(
  'look_at_correction(p_correction bigint)',
  'jsonb',
  `  perform privacy_console.only_write();
  v_staff := privacy_console.caller(array['operator', 'approver']);
  select c.* into v_correction from privacy_console.correction c where c.id = p_correction;
  if v_correction.id is null then
    raise exception 'There is no correction %.', p_correction using errcode = 'PC005';
  elsif v_correction.row_key is null or v_correction.sha256 is null then
    raise exception 'The values of this correction are gone, or were never shown.' using errcode = 'PC006';
  end if;
  v_says := privacy_console.restricted_for(v_correction.subject, v_correction.request);
  if v_says is not null then
    return privacy_console.refused('correction.looked_at', v_correction.subject, v_correction.request, 'refused', v_says);
  end if;
  if not privacy_console.spend(v_staff, 'reveals', 'reveals_per_hour') then
    return privacy_console.refused('correction.looked_at', v_correction.subject, v_correction.request, 'budget_spent',
      'The hourly budget of reveals is spent; wait a few minutes, or ask an administrator to raise it.');
  end if;
  return jsonb_build_object('ok', true) || privacy_console.receipt(
    privacy_console.append('correction.looked_at', v_correction.subject, v_correction.request, 'done', v_correction.entry, null));`,
  { declare: '  v_staff bigint; v_correction privacy_console.correction; v_says text;' },
)}
${definer(
  'read_correction(p_correction bigint)',
  'jsonb',
  `  perform privacy_console.caller(array['operator', 'approver']);
  select c.* into v_correction from privacy_console.correction c where c.id = p_correction and c.row_key is not null and c.sha256 is not null;
  -- Committed before, in another transaction: visible, mine, recent, and not written by this one.
  if v_correction.id is null or pg_current_xact_id_if_assigned() is not null or not exists (select from privacy_console.entry e
      where e.action = 'correction.looked_at' and e.outcome = 'done' and e.intent = v_correction.entry and e.actor = session_user::text and e.at > clock_timestamp() - interval '5 minutes') then
    raise exception 'Looking at a correction has to be announced first; try again.' using errcode = 'PC001';
  end if;
  return privacy_console.correction_content(v_correction);`,
  { declare: '  v_correction privacy_console.correction;' },
)}
${definer(
  'decide_correction(p_correction bigint, p_sha256 text, p_decision text, p_reason text)',
  'jsonb',
  `  perform privacy_console.only_write();
  v_staff := privacy_console.caller(array['operator', 'approver']);
  v_action := case p_decision when 'approve' then 'correction.approved' when 'deny' then 'correction.denied' end;
  if v_action is null or length(trim(coalesce(p_reason, ''))) not between 3 and 2000 then
    raise exception 'Say approve or deny, and why.' using errcode = 'PC004';
  end if;
  perform privacy_console.lock_request_of(p_correction);
  select c.* into v_correction from privacy_console.correction c where c.id = p_correction for update;
  if v_correction.id is null then
    raise exception 'There is no correction %.', p_correction using errcode = 'PC005';
  end if;
  if not privacy_console.holds_role('approver') then
    return privacy_console.refused(v_action, v_correction.subject, v_correction.request, 'not_permitted', 'Only an approver can decide about a correction.');
  elsif privacy_console.person_of(v_staff) = privacy_console.person_of(v_correction.staff) then
    return privacy_console.refused(v_action, v_correction.subject, v_correction.request, 'not_permitted', 'Nobody decides about a correction of their own; another person has to.');
  elsif p_decision = 'approve' and not privacy_console.has_just_authenticated() then
    return privacy_console.refused(v_action, v_correction.subject, v_correction.request, ${stale});
  elsif v_correction.state <> 'shown' or v_correction.row_key is null or privacy_console.correction_expires(v_correction) < clock_timestamp() then
    return privacy_console.refused(v_action, v_correction.subject, v_correction.request, 'conflict', 'This correction does not wait for a decision any more; have it proposed again.');
  elsif v_correction.sha256 is distinct from p_sha256 then
    return privacy_console.refused(v_action, v_correction.subject, v_correction.request, 'conflict', 'This is not the correction you have looked at; look at it again.');
  elsif v_correction.map_hash <> (select d.hash from privacy_console.data_map d where d.current) then
    return privacy_console.refused(v_action, v_correction.subject, v_correction.request, 'conflict', 'The data map has changed since this was proposed; have it proposed again.');
  elsif p_decision = 'approve' and not exists (select from privacy_console.entry e where e.action = 'correction.looked_at' and e.outcome = 'done'
      and e.intent = v_correction.entry and e.actor = session_user::text) then
    return privacy_console.refused(v_action, v_correction.subject, v_correction.request, 'not_permitted', 'Look at the values first, then approve.');
  end if;
  update privacy_console.correction c set state = case p_decision when 'approve' then 'approved' else 'denied' end, decided_by = v_staff,
      decided_at = clock_timestamp(), decided_sha256 = p_sha256 where c.id = p_correction;
  update privacy_console.request r set state = 'in_progress' where r.id = v_correction.request and r.state = 'waiting_approval';
  v_entry := privacy_console.append(v_action, v_correction.subject, v_correction.request, 'done', v_correction.entry,
    json_build_object('correction', p_correction, 'sha256', p_sha256, 'reason', trim(p_reason))::text);
  if p_decision = 'deny' then
    perform privacy_console.forget_correction(p_correction);
  end if;
  return jsonb_build_object('ok', true) || privacy_console.receipt(v_entry);`,
  {
    declare: '  v_staff bigint; v_action text; v_correction privacy_console.correction; v_entry bigint;',
  },
)}
${definer(
  'run_correction(p_correction bigint)',
  'jsonb',
  `  perform privacy_console.only_write();
  v_staff := privacy_console.caller(array['operator']);
  perform privacy_console.refuse_where_unsafe();
  -- The person first, as a deletion takes its locks.
  select s.key, s.kind into v_key, v_kind from privacy_console.correction c join privacy_console.subject s on s.reference = c.subject where c.id = p_correction for share of s;
  select c.* into v_correction from privacy_console.correction c where c.id = p_correction for update;
  if v_correction.id is null then
    raise exception 'There is no correction %.', p_correction using errcode = 'PC005';
  end if;
  v_action := case when v_correction.undoes is null then 'correction.done' else 'correction.undone' end;
  perform privacy_console.keep_holds_out();
  v_code := 'conflict';
  v_says := privacy_console.restricted_for(v_correction.subject, v_correction.request);
  if v_says is not null then
    v_code := 'refused';
  elsif v_correction.staff <> v_staff then
    v_code := 'not_permitted';
    v_says := 'Only who proposed a correction carries it out.';
  elsif v_correction.state not in ('shown', 'approved') or v_key is null or v_correction.row_key is null then
    v_says := 'This correction was never shown, or can''t be carried out any more; propose it again.';
  elsif privacy_console.correction_expires(v_correction) < clock_timestamp() then
    v_says := 'This correction has waited too long; propose it again.';
  elsif v_correction.map_hash <> (select d.hash from privacy_console.data_map d where d.current) then
    v_says := 'The data map has changed since this was proposed; propose it again.';
  elsif v_correction.undoes is null and exists (select from privacy_console.request r where r.id = v_correction.request and r.state = 'closed') then
    v_says := 'The request has been closed; a correction needs an open one.';
  elsif v_correction.sha256 is distinct from privacy_console.correction_hash(v_correction) then
    v_says := 'The correction is not what was shown; propose it again.';
  elsif privacy_console.needs_second(v_correction) and not privacy_console.is_second(v_correction) then
    v_code := 'not_permitted';
    v_says := 'This tells who somebody is: another person approves it first.';
  elsif exists (select from privacy_console.correction_value v where v.correction = p_correction and v.verdict <> 'fits') then
    v_says := 'Not every value can be written as it is; propose it again with others.';
  elsif exists (select from privacy_console.plan p where p.subject = v_correction.subject and p.state = 'running') then
    v_says := 'A deletion of this person is running.';
  elsif v_correction.undoes is not null and (select privacy_console.undo_until(c) > clock_timestamp() from privacy_console.correction c where c.id = v_correction.undoes) is not true then
    v_says := 'The time to take this correction back is over.';
  end if;
  if v_says is not null then
    return privacy_console.refused(v_action, v_correction.subject, v_correction.request, v_code, v_says);
  end if;
  begin
    v_held := privacy_console.held_parts(v_kind, v_key, '{}', null);
    v_changes := case when v_correction.undoes is null then privacy_console.carry_out(v_correction, v_kind, v_key, v_held) else privacy_console.take_back(v_correction, v_kind, v_key, v_held) end;
  exception
    when unique_violation or exclusion_violation then v_says := 'Another record has got this value since it was shown; propose it again.';
    when integrity_constraint_violation or raise_exception or insufficient_privilege or data_exception then v_says := 'The platform forbids this change now; propose it again.';
    when sqlstate 'PC005' or sqlstate 'PC006' or sqlstate 'PC007' then get stacked diagnostics v_says = message_text;
  end;
  if v_says is not null then
    return privacy_console.refused(v_action, v_correction.subject, v_correction.request, 'conflict', v_says);
  end if;
  update privacy_console.correction c set state = 'done', done_at = clock_timestamp() where c.id = p_correction;
  if v_correction.undoes is null then
    insert into privacy_console.correction_change (correction, number, collection, column_name, row_keys, copy, before, after)
      select p_correction, x.number, x.value ->> 'collection', x.value ->> 'column', array(select k.value from jsonb_array_elements_text(x.value -> 'keys') k(value)),
          (x.value ->> 'copy')::boolean, x.value ->> 'before', x.value ->> 'stored'
        from jsonb_array_elements(v_changes) with ordinality x(value, number);
  else
    update privacy_console.correction c set state = 'undone' where c.id = v_correction.undoes;
    -- Nothing more can be taken back, so nothing more is kept.
    perform privacy_console.forget_correction(v_correction.undoes), privacy_console.forget_correction(p_correction);
  end if;
  return jsonb_build_object('ok', true,
      'copies', (select coalesce(sum((x.value ->> 'rows')::bigint), 0) from jsonb_array_elements(v_changes) x(value) where (x.value ->> 'copy')::boolean),
      'left', (select coalesce(sum((x.value ->> 'left')::bigint), 0) from jsonb_array_elements(v_changes) x(value)))
    || privacy_console.receipt(privacy_console.append(v_action, v_correction.subject, v_correction.request, 'done', v_correction.entry,
      json_build_object('correction', p_correction, 'sha256', v_correction.sha256, 'written', (select json_agg(json_build_object(
        'collection', x.value ->> 'collection', 'column', x.value ->> 'column', 'rows', (x.value ->> 'rows')::bigint)) from jsonb_array_elements(v_changes) x(value)))::text));`,
  {
    declare:
      '  v_staff bigint; v_correction privacy_console.correction; v_key text; v_kind text; v_held jsonb; v_action text; v_code text; v_says text; v_changes jsonb;',
  },
)}
${step(
  'is_second(p_correction privacy_console.correction)',
  'boolean',
  `  -- Approved by another person, who still may, exactly as it is now.
  return p_correction.state = 'approved' and p_correction.decided_sha256 is not distinct from p_correction.sha256 and exists (select from privacy_console.staff s
    where s.id = p_correction.decided_by and s.active and 'approver' = any (s.roles)
      and privacy_console.person_of(s.id) <> privacy_console.person_of(p_correction.staff));`,
)}
${step(
  'carry_out(p_correction privacy_console.correction, p_kind text, p_key text, p_held jsonb)',
  'jsonb',
  `  v_row := p_correction.row_key;
  v_changes := '[]';
  for v_value in select v.* from privacy_console.correction_value v where v.correction = p_correction.id order by v.place loop
    v_places := (select jsonb_agg(to_jsonb(x)) from privacy_console.value_places(p_kind, p_correction.collection, v_value.column_name, p_key, v_row, v_value.after, p_held) x);
    if exists (select from jsonb_array_elements(v_places) x(value) where (x.value ->> 'held')::bigint > 0) then
      raise exception 'A legal hold covers this record, or a copy of the value; it stays as it is.' using errcode = 'PC007';
    end if;
    if exists (select from jsonb_to_recordset(v_places) x(role text, before text) where x.role = 'field' and x.before is distinct from v_value.before)
      or exists (select from jsonb_to_recordset(v_places) x(role text, collection text, column_name text, rows bigint) where x.role <> 'field'
        group by x.role, x.collection, x.column_name
        having sum(x.rows) > coalesce((select w.rows from privacy_console.correction_place w where w.correction = p_correction.id and w.column_name = v_value.column_name
          and w.role = x.role and w.collection = x.collection and w.in_column = x.column_name), 0)) then
      raise exception 'Something has changed since it was shown; propose it again.' using errcode = 'PC006';
    end if;
    for v_written in select w from privacy_console.write_places(p_kind, p_key, v_places, v_value.after, p_held) w loop
      v_changes := v_changes || v_written;
      if not (v_written ->> 'copy')::boolean then
        v_row := v_written -> 'keys' ->> 0;
      end if;
    end loop;
  end loop;
  return v_changes;`,
  {
    declare:
      '  v_row text; v_changes jsonb; v_value privacy_console.correction_value; v_places jsonb; v_written jsonb;',
  },
)}
${step(
  'take_back(p_correction privacy_console.correction, p_kind text, p_key text, p_held jsonb)',
  'jsonb',
  `  -- The last change first, for a key may be among them. A copy that somebody has changed since stays as it is.
  v_changes := '[]';
  for v_change in select h.* from privacy_console.correction_change h where h.correction = p_correction.undoes order by h.number desc loop
    v_written := privacy_console.write_value(p_kind, v_change.collection, v_change.column_name, p_key, v_change.row_keys, v_change.after, v_change.before, p_held);
    if not v_change.copy and (v_written ->> 'rows')::bigint <> 1 then
      raise exception 'The value is not what the correction left any more, or a legal hold covers it; nothing was taken back.' using errcode = 'PC006';
    end if;
    v_changes := v_changes || (v_written - 'stored' || jsonb_build_object('collection', v_change.collection, 'column', v_change.column_name, 'copy', v_change.copy,
      'left', cardinality(v_change.row_keys) - (v_written ->> 'rows')::bigint));
  end loop;
  return v_changes;`,
  { declare: '  v_changes jsonb; v_change privacy_console.correction_change; v_written jsonb;' },
)}
${definer(
  'undo_correction(p_correction bigint, p_reason text)',
  'jsonb',
  `  -- Proposes to take back what a correction wrote; run_correction does it, where it is asked for after another person has approved.
  perform privacy_console.only_write();
  v_staff := privacy_console.caller(array['operator']);
  if length(trim(coalesce(p_reason, ''))) not between 3 and 2000 then
    raise exception 'Say why this is taken back, in 3 characters or more.' using errcode = 'PC004';
  end if;
  select c.* into v_correction from privacy_console.correction c where c.id = p_correction for update;
  if v_correction.id is null then
    raise exception 'There is no correction %.', p_correction using errcode = 'PC005';
  end if;
  if (privacy_console.undo_until(v_correction) > clock_timestamp()) is not true then
    return privacy_console.refused('correction.undo_intended', v_correction.subject, v_correction.request, 'conflict',
      'This can''t be taken back: it was never done, has been taken back, or the time for it is over.');
  end if;
  v_says := privacy_console.restricted_for(v_correction.subject, v_correction.request);
  if v_says is not null then
    return privacy_console.refused('correction.undo_intended', v_correction.subject, v_correction.request, 'refused', v_says);
  end if;
  if not privacy_console.spend(v_staff, 'corrections', 'corrections_per_hour') then
    return privacy_console.refused('correction.undo_intended', v_correction.subject, v_correction.request, 'budget_spent',
      'The hourly budget of corrections is spent; wait a few minutes, or ask an administrator to raise it.');
  end if;
  perform privacy_console.forget_correction(c.id) from privacy_console.correction c where c.undoes = p_correction and c.state in ${open};
  v_entry := privacy_console.append('correction.undo_intended', v_correction.subject, v_correction.request, 'intent', v_correction.entry, json_build_object('correction', p_correction, 'reason', trim(p_reason))::text);
  insert into privacy_console.correction (request, subject, staff, collection, row_key, undoes, identity, state, map_hash, salt, entry)
    select v_correction.request, v_correction.subject, v_staff, v_correction.collection, v_correction.row_key, p_correction, v_correction.identity, 'shown', d.hash,
        decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex'), v_entry
      from privacy_console.data_map d where d.current returning * into v_undo;
  insert into privacy_console.correction_value (correction, place, column_name, before, after, verdict)
    select v_undo.id, row_number() over (order by h.number), h.column_name, h.after, h.before, 'fits' from privacy_console.correction_change h where h.correction = p_correction and not h.copy;
  insert into privacy_console.correction_place (correction, column_name, role, collection, in_column, rows)
    select v_undo.id, w.column_name, w.role, w.collection, w.in_column, w.rows from privacy_console.correction_place w where w.correction = p_correction and w.role = 'copy';
  update privacy_console.correction c set sha256 = privacy_console.correction_hash(v_undo) where c.id = v_undo.id;
  return jsonb_build_object('ok', true, 'correction', v_undo.id, 'waits', privacy_console.needs_second(v_undo)) || privacy_console.receipt(v_entry);`,
  {
    declare:
      '  v_staff bigint; v_correction privacy_console.correction; v_undo privacy_console.correction; v_says text; v_entry bigint;',
  },
)}
${definer(
  'corrections(p_request bigint, p_correction bigint, p_waiting boolean)',
  'setof jsonb',
  `  perform privacy_console.caller(${everyone});
  -- What came of a try is not told to who then rolls that back.
  if pg_current_xact_id_if_assigned() is not null then
    raise exception 'This transaction has already written; commit it before reading corrections.' using errcode = 'PC003';
  end if;
  return query
    select jsonb_build_object('id', c.id, 'requestId', c.request, 'subject', c.subject, 'kind', s.kind, 'collection', c.collection,
        'columns', (select jsonb_agg(v.column_name order by v.place) from privacy_console.correction_value v where v.correction = c.id),
        'identity', c.identity, 'undoes', c.undoes, 'state', y.state, 'proposedBy', p.login, 'mine', p.login_oid = privacy_console.my_oid(), 'proposedAt', c.proposed_at,
        'decidedBy', d.login, 'decidedAt', c.decided_at, 'doneAt', c.done_at, 'expiresAt', case when y.state in ('waiting', 'ready') then privacy_console.correction_expires(c) end,
        'undoUntil', x.until, 'undoDays', ceil(extract(epoch from x.until - clock_timestamp()) / 86400)::int, 'known', c.row_key is not null and c.sha256 is not null)
      from privacy_console.correction c join privacy_console.subject s on s.reference = c.subject
      join privacy_console.staff p on p.id = c.staff left join privacy_console.staff d on d.id = c.decided_by
      cross join lateral (select case when privacy_console.undo_until(c) > clock_timestamp() then privacy_console.undo_until(c) end as until) x
      cross join lateral (select case
          when c.state in ${open} and privacy_console.correction_expires(c) < clock_timestamp() then 'expired'
          when c.state = 'shown' then case when privacy_console.needs_second(c) then 'waiting' else 'ready' end
          when c.state = 'approved' then 'ready' else c.state end as state) y
      where (p_request is null or c.request = p_request) and (p_correction is null or c.id = p_correction) and (not p_waiting or y.state = 'waiting')
      order by c.id desc limit 200;`,
)}
`;

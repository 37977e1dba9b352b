import { redactionGrounds } from '#shared/domain/redaction.ts';
import { definer, step } from '../pins.ts';

/** An export without a sign of life for this long counts as interrupted, and its access has ended. */
const signOfLifeMinutes = 5;
/** No export reads from the database for longer. */
const longestHours = 24;

/** Exports: an intent that opens the full values of one person, and its outcome; run as the trail's owner. */
export const exporting = `
create table privacy_console.export (
  id bigint generated always as identity primary key,
  request bigint not null references privacy_console.request,
  subject text not null references privacy_console.subject,
  access bigint not null references privacy_console.access,
  staff bigint not null references privacy_console.staff,
  state text not null default 'running' check (state in ('review', 'running', 'done', 'failed', 'abandoned')),
  started_at timestamptz not null default clock_timestamp(),
  finished_at timestamptz,
  sha256 text,
  bytes bigint,
  rows bigint,
  files bigint,
  entry bigint not null references privacy_console.entry,
  -- The release under which it went in spite of gaps.
  release bigint references privacy_console.release,
  -- The key its package is signed with; null where it is not signed.
  signer bigint references privacy_console.signing_key,
  profile text not null check (profile in ('access', 'portability', 'case', 'custom')),
  -- Whether values about somebody else come as they are.
  shows_others boolean not null,
  -- By collection the columns that stay out; null where none of it is in.
  without jsonb not null,
  -- The range of time, where one was chosen.
  since timestamptz,
  until timestamptz,
  -- The data map it was begun under; under another it can't go on.
  map_hash text not null,
  -- The entry whose redactions it holds; null while it is reviewed, when they may change.
  redacted_at bigint references privacy_console.entry
);
-- What a reviewer keeps out of a request's packages: a record, a field of one, or a file by the hash of its key.
create table privacy_console.redaction (
  id bigint generated always as identity primary key,
  request bigint not null references privacy_console.request,
  subject text not null references privacy_console.subject,
  collection text,
  row_key text,
  column_name text,
  object text,
  ground text not null check (ground in (${redactionGrounds.map((each) => `'${each}'`).join(', ')})),
  staff bigint not null references privacy_console.staff,
  entry bigint not null references privacy_console.entry,
  -- The entry that took it back.
  withdrawn bigint references privacy_console.entry,
  check ((object is null) = (collection is not null and row_key is not null)),
  check (column_name is null or collection is not null)
);
create unique index redaction_in_force on privacy_console.redaction (request, collection, row_key, column_name, object) nulls not distinct
  where withdrawn is null;
create index export_request on privacy_console.export (request);
create unique index export_access on privacy_console.export (access);

${step(
  'may_begin()',
  'bigint',
  `  -- Asked before a deletion plan and its run; gives who asks. An export asks the same, but may have been released.
  v_staff := privacy_console.caller(array['operator']);
  perform privacy_console.refuse_where_unsafe();
  perform privacy_console.refuse_bypass();
  perform privacy_console.refuse_where_unmapped(null);
  return v_staff;`,
  { declare: '  v_staff bigint;' },
)}
${step(
  'give_up_export(p_export privacy_console.export)',
  'bigint',
  `  update privacy_console.export x set state = 'abandoned', finished_at = clock_timestamp() where x.id = p_export.id;
  update privacy_console.access a set closed_at = clock_timestamp() where a.id = p_export.access and a.closed_at is null;
  return privacy_console.append('export.abandoned', p_export.subject, p_export.request, 'failed', p_export.entry, null);`,
)}
${step(
  'export_begun(p_export bigint, p_entry bigint)',
  'jsonb',
  `  -- What who writes the package has to know of it.
  return (select jsonb_build_object('ok', true, 'export', x.id, 'access', x.access, 'subject', x.subject, 'without', x.without,
      'kind', s.kind, 'controller', k.controller, 'restricted', privacy_console.restriction_of(x.subject, x.request), 'released', (
        select jsonb_build_object('release', r.id, 'gaps', r.gaps, 'reason', r.reason, 'askedBy', r.asked_by, 'approvedBy', r.decided_by,
            'approvedAt', to_char(r.decided_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
            'expiresAt', to_char(r.expires_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))
          from privacy_console.releases(x.request) r where r.id = x.release)) || privacy_console.receipt(p_entry)
    from privacy_console.export x join privacy_console.subject s on s.reference = x.subject join privacy_console.subject_kind k on k.kind = s.kind
    where x.id = p_export);`,
)}
${step(
  'redacted_of(p_export privacy_console.export)',
  'setof privacy_console.redaction',
  `  -- What stays out of a package: as it was when its writing began, or as it is while it is reviewed.
  return query select r.* from privacy_console.redaction r
    where r.request = p_export.request and r.subject = p_export.subject and case when p_export.redacted_at is null then r.withdrawn is null
      else r.entry <= p_export.redacted_at and (r.withdrawn is null or r.withdrawn > p_export.redacted_at) end;`,
)}
${definer(
  'export_scope(p_access bigint, p_collection text)',
  'table (shows_others boolean, without text[], since timestamptz, until timestamptz, redacted jsonb)',
  `  -- What of a collection the export of this access was begun for; nothing where that stays out. Asked by the reading functions behind their gate.
  return query select x.shows_others,
      array(select jsonb_array_elements_text(case jsonb_typeof(x.without -> p_collection) when 'array' then x.without -> p_collection else '[]' end)),
      x.since, x.until,
      (select jsonb_object_agg(d.row_key, case when d.columns[1] is null then null else to_jsonb(d.columns) end) from (
        select r.row_key, array_agg(r.column_name order by r.column_name nulls first) from privacy_console.redacted_of(x) r
          where r.collection = p_collection group by r.row_key) d(row_key, columns))
    from privacy_console.export x where x.access = p_access and jsonb_typeof(x.without -> p_collection) is distinct from 'null'
    union all select false, '{}'::text[], null, null, null where not exists (select from privacy_console.export x where x.access = p_access);`,
)}
${definer(
  'export_story(p_access bigint)',
  'setof text',
  `  -- The person's entries of the trail, for a case file; without any reason or value, which an auditor reads one by one.
  perform privacy_console.subject_of(p_access, array['export'], null);
  select a.subject into v_subject from privacy_console.access a join privacy_console.export x on x.access = a.id
    where a.id = p_access and x.profile = 'case';
  if v_subject is null then
    raise exception 'Only a case file holds the person''s entries of the trail.' using errcode = 'PC001';
  end if;
  return query select convert_from(e.bytes, 'UTF8') from privacy_console.entry e where e.subject = v_subject order by e.number;`,
  { declare: '  v_subject text;' },
)}
${definer(
  "begin_export(p_request bigint, p_profile text default 'access', p_without jsonb default '{}', p_shows_others boolean default false, p_reason text default null, p_since timestamptz default null, p_until timestamptz default null, p_review boolean default false)",
  'jsonb',
  `  perform privacy_console.only_write();
  v_staff := privacy_console.caller(array['operator']);
  if p_profile is null or p_profile not in ('access', 'portability', 'case', 'custom') or p_shows_others is null or p_review is null or jsonb_typeof(p_without) is distinct from 'object' then
    raise exception 'Say what kind of package it is, and what stays out of it.' using errcode = 'PC004';
  end if;
  if exists (select from jsonb_each(p_without) w(collection, columns)
      where not exists (select from privacy_console.mapped_column m where m.collection = w.collection)
        or jsonb_typeof(w.columns) not in ('null', 'array')
        or exists (select from jsonb_array_elements(case jsonb_typeof(w.columns) when 'array' then w.columns else '[]' end) c(name)
          where not exists (select from privacy_console.mapped_column m where m.collection = w.collection and m.column_name = c.name #>> '{}'))) then
    raise exception 'What stays out is named by a collection and columns the data map does not have.' using errcode = 'PC004';
  end if;
  if p_profile in ('access', 'case') and p_without <> '{}' then
    raise exception 'A copy and a case file leave nothing out; what is chosen goes into a custom package, which has a reason.' using errcode = 'PC004';
  end if;
  if (p_profile = 'custom' or p_shows_others) and (p_reason is null or length(trim(p_reason)) < 3) or length(p_reason) > 2000 then
    raise exception 'Say why this package holds other things than a copy does, or shows what is about other people.' using errcode = 'PC004';
  end if;
  if p_profile <> 'custom' and (p_since is not null or p_until is not null) or p_since >= p_until then
    raise exception 'A range of time has a beginning before its end, and only a package of chosen things has one.' using errcode = 'PC004';
  end if;
  perform privacy_console.refuse_where_unsafe();
  perform privacy_console.refuse_bypass();
  v_release := privacy_console.refuse_where_unmapped(p_request);
  select r.kind, r.state, r.subject into v_kind, v_state, v_subject from privacy_console.request r where r.id = p_request;
  if v_kind is null then
    raise exception 'There is no request %.', p_request using errcode = 'PC005';
  end if;
  if v_state = 'closed' or v_kind not in ('access', 'export') or v_subject is null then
    return privacy_console.refused('export.begun', v_subject, p_request, 'refused',
      'An export needs an open access or export request that names its person.');
  end if;
  if not exists (select from privacy_console.subject s where s.reference = v_subject and s.key is not null) then
    raise exception 'This person has been erased; nothing is left to export.' using errcode = 'PC007';
  end if;
  v_says := privacy_console.restricted_for(v_subject, p_request);
  if v_says is not null then
    return privacy_console.refused('export.begun', v_subject, p_request, 'refused', v_says);
  end if;
  if not privacy_console.spend_person(v_staff, v_subject) then
    return privacy_console.refused('export.begun', v_subject, p_request, 'budget_spent',
      'The hourly budget of people is spent; wait a few minutes, or ask an administrator to raise it.');
  end if;
  -- Who begins again has given up what a crash left behind.
  perform privacy_console.give_up_export(x) from (
    select e from privacy_console.export e where e.request = p_request and e.staff = v_staff and e.state in ('review', 'running') order by e.id for update) y(x);
  -- That other people are shown is told by the entry itself, not only by its detail.
  v_entry := privacy_console.append(case when p_shows_others then 'export.begun_with_others' else 'export.begun' end, v_subject, p_request, 'intent', null,
    json_strip_nulls(json_build_object('profile', p_profile, 'without', nullif(p_without, '{}'), 'since', p_since, 'until', p_until,
      'reason', nullif(trim(p_reason), ''), 'release', v_release, 'review', nullif(p_review, false)))::text);
  v_access := privacy_console.grant_access(v_staff, 'export', v_subject, p_request, ${signOfLifeMinutes}, v_entry);
  insert into privacy_console.export (request, subject, access, staff, state, entry, release, profile, shows_others, without, since, until, map_hash, redacted_at)
    values (p_request, v_subject, v_access, v_staff, case when p_review then 'review' else 'running' end, v_entry, v_release, p_profile, p_shows_others, p_without, p_since, p_until,
      (select d.hash from privacy_console.data_map d where d.current), case when p_review then null else v_entry end) returning id into v_id;
  return privacy_console.export_begun(v_id, v_entry);`,
  {
    declare:
      '  v_release bigint; v_staff bigint; v_kind text; v_state text; v_subject text; v_says text; v_entry bigint; v_access bigint; v_id bigint;',
  },
)}
${definer(
  'write_reviewed(p_export bigint)',
  'jsonb',
  `  -- Ends the review: what is redacted by now stays out of the package that follows, whatever is redacted or taken back later.
  perform privacy_console.only_write();
  v_staff := privacy_console.caller(array['operator']);
  perform privacy_console.refuse_where_unsafe();
  perform privacy_console.refuse_bypass();
  select x.* into v_export from privacy_console.export x where x.id = p_export and x.staff = v_staff and x.state = 'review' for update;
  if v_export.id is null then
    raise exception 'No review of yours with that number is open; it was closed or begun again.' using errcode = 'PC006';
  end if;
  perform privacy_console.subject_of(v_export.access, array['export'], null);
  v_release := privacy_console.refuse_where_unmapped(v_export.request);
  v_entry := privacy_console.append('export.reviewed', v_export.subject, v_export.request, 'done', v_export.entry,
    (select json_build_object('records', count(*) filter (where r.collection is not null and r.column_name is null),
        'fields', count(r.column_name), 'files', count(r.object))::text from privacy_console.redacted_of(v_export) r));
  update privacy_console.export x set state = 'running', redacted_at = v_entry, release = v_release where x.id = p_export;
  return privacy_console.export_begun(p_export, v_entry);`,
  { declare: '  v_staff bigint; v_export privacy_console.export; v_release bigint; v_entry bigint;' },
)}
${definer(
  'resume_export(p_export bigint)',
  'jsonb',
  `  -- Opens an export that was interrupted again, to who began it: what it holds was fixed then and stays so. Asks what a beginning asks.
  perform privacy_console.only_write();
  v_staff := privacy_console.caller(array['operator']);
  perform privacy_console.refuse_where_unsafe();
  perform privacy_console.refuse_bypass();
  select x.* into v_export from privacy_console.export x where x.id = p_export and x.staff = v_staff and x.state = 'running' for update;
  if v_export.id is null then
    raise exception 'No export of yours with that number was interrupted; it is over, or somebody else began it.' using errcode = 'PC006';
  end if;
  if v_export.started_at + interval '${longestHours} hours' <= clock_timestamp() then
    raise exception 'This export was begun more than a day ago and can''t go on; start it again.' using errcode = 'PC006';
  end if;
  perform 1 from privacy_console.data_map d where d.current and d.hash = v_export.map_hash for share;
  if not found then
    raise exception 'The data map was changed since this export was begun, so it can''t go on; start it again.' using errcode = 'PC006';
  end if;
  if not exists (select from privacy_console.request r where r.id = v_export.request and r.state <> 'closed' and r.subject = v_export.subject) then
    return privacy_console.refused('export.resumed', v_export.subject, v_export.request, 'refused',
      'The request of this export is closed, or names another person by now; it can''t go on.');
  end if;
  if not exists (select from privacy_console.subject s where s.reference = v_export.subject and s.key is not null) then
    raise exception 'This person has been erased; nothing is left to export.' using errcode = 'PC007';
  end if;
  v_release := privacy_console.refuse_where_unmapped(v_export.request);
  v_says := privacy_console.restricted_for(v_export.subject, v_export.request);
  if v_says is not null then
    return privacy_console.refused('export.resumed', v_export.subject, v_export.request, 'refused', v_says);
  end if;
  if not privacy_console.spend_person(v_staff, v_export.subject) then
    return privacy_console.refused('export.resumed', v_export.subject, v_export.request, 'budget_spent',
      'The hourly budget of people is spent; wait a few minutes, or ask an administrator to raise it.');
  end if;
  update privacy_console.access a set closed_at = clock_timestamp() where a.id = v_export.access and a.closed_at is null;
  v_entry := privacy_console.append('export.resumed', v_export.subject, v_export.request, 'done', v_export.entry, null);
  v_access := privacy_console.grant_access(v_staff, 'export', v_export.subject, v_export.request, ${signOfLifeMinutes}, v_entry);
  update privacy_console.access a set expires_at = least(a.expires_at, v_export.started_at + interval '${longestHours} hours') where a.id = v_access;
  update privacy_console.export x set access = v_access, release = v_release where x.id = p_export;
  return privacy_console.export_begun(p_export, v_entry);`,
  {
    declare:
      '  v_staff bigint; v_export privacy_console.export; v_release bigint; v_says text; v_entry bigint; v_access bigint;',
  },
)}
${definer(
  'export_lives(p_export bigint)',
  'jsonb',
  `  -- A sign of life of who writes the package. It prolongs the access, but not past a day after the intent, and not
  -- once it has ended: an export that was killed loses it within minutes.
  perform privacy_console.only_write();
  v_staff := privacy_console.caller(array['operator']);
  perform 1 from privacy_console.export x where x.id = p_export and x.staff = v_staff and x.state in ('review', 'running');
  if not found then
    raise exception 'This export was closed or begun again; nothing of it is kept.' using errcode = 'PC006';
  end if;
  update privacy_console.access a
    set expires_at = least(clock_timestamp() + interval '${signOfLifeMinutes} minutes', x.started_at + interval '${longestHours} hours')
    from privacy_console.export x
    where x.id = p_export and a.id = x.access and a.login_oid = privacy_console.my_oid() and a.closed_at is null and a.expires_at > clock_timestamp();
  return jsonb_build_object('ok', true, 'open', found);`,
  { declare: '  v_staff bigint;' },
)}
${definer(
  'abandon_export(p_export bigint)',
  'jsonb',
  `  perform privacy_console.only_write();
  v_staff := privacy_console.caller(array['operator', 'approver', 'admin']);
  select x.* into v_export from privacy_console.export x where x.id = p_export for update;
  if v_export.id is null then
    raise exception 'There is no export %.', p_export using errcode = 'PC005';
  end if;
  if v_export.staff <> v_staff and not privacy_console.holds_role('approver') and not privacy_console.holds_role('admin') then
    return privacy_console.refused('export.abandoned', v_export.subject, v_export.request, 'not_permitted',
      'Only who began an export, an approver or an administrator can close it.');
  end if;
  if v_export.state not in ('review', 'running') then
    raise exception 'Export % is over already.', p_export using errcode = 'PC006';
  end if;
  return jsonb_build_object('ok', true) || privacy_console.receipt(privacy_console.give_up_export(v_export));`,
  { declare: '  v_staff bigint; v_export privacy_console.export;' },
)}
${definer(
  'end_export(p_export bigint, p_sha256 text, p_bytes bigint, p_rows bigint, p_files bigint, p_detail text, p_signer text default null)',
  'jsonb',
  `  perform privacy_console.only_write();
  v_staff := privacy_console.caller(array['operator']);
  -- Told once more by who did not hear the answer: the entry is there already.
  select e.number into v_told from privacy_console.export x join privacy_console.entry e on e.intent = x.entry and e.action = 'export.finished'
    where x.id = p_export and x.staff = v_staff and x.state = 'done' and x.sha256 = p_sha256;
  if found then
    return jsonb_build_object('ok', true) || privacy_console.receipt(v_told);
  end if;
  if p_sha256 is not null and p_signer is not null then
    -- Locked, so that a retirement comes before the package or after it.
    select k.id into v_key from privacy_console.signing_key k where k.fingerprint = p_signer and k.staff = v_staff and k.retired_at is null for share;
    if v_key is null then
      select x.subject, x.request into v_subject, v_request from privacy_console.export x where x.id = p_export and x.staff = v_staff;
      return privacy_console.refused('export.finished', v_subject, v_request, 'refused',
        'The package is signed by a key that is not registered for who made it, or is retired; nothing of it is kept, start the export again.');
    end if;
  end if;
  update privacy_console.export x
    set state = case when p_sha256 is null then 'failed' else 'done' end, finished_at = clock_timestamp(),
        sha256 = p_sha256, bytes = p_bytes, rows = p_rows, files = p_files, signer = v_key
    where x.id = p_export and x.staff = v_staff and x.state = 'running'
    returning x.subject, x.request, x.entry, x.access into v_subject, v_request, v_intent, v_access;
  if not found then
    raise exception 'No export of yours with that number is running; it was closed or begun again.' using errcode = 'PC006';
  end if;
  update privacy_console.access a set closed_at = clock_timestamp() where a.id = v_access;
  return jsonb_build_object('ok', true) || privacy_console.receipt(privacy_console.append(
    case when p_sha256 is null then 'export.failed' else 'export.finished' end, v_subject, v_request,
    case when p_sha256 is null then 'failed' else 'done' end, v_intent,
    json_build_object('sha256', p_sha256, 'bytes', p_bytes, 'rows', p_rows, 'files', p_files, 'detail', left(p_detail, 500))::text));`,
  {
    declare:
      '  v_staff bigint; v_key bigint; v_told bigint; v_subject text; v_request bigint; v_intent bigint; v_access bigint;',
  },
)}
${definer(
  'list_exports(p_request bigint)',
  'table (id bigint, request bigint, subject text, state text, started_at timestamptz, started_by text, finished_at timestamptz, sha256 text, bytes bigint, rows bigint, files bigint, profile text, shows_others boolean, signer text)',
  `  perform privacy_console.caller(array['viewer', 'operator', 'approver', 'auditor', 'admin']);
  -- Whoever writes a package keeps its access open; one that has ended tells of a crash.
  return query select x.id, x.request, x.subject,
      case when x.state in ('review', 'running') and (a.closed_at is not null or a.expires_at <= clock_timestamp()) then 'interrupted' else x.state end,
      x.started_at, s.login, x.finished_at, x.sha256, x.bytes, x.rows, x.files, x.profile, x.shows_others,
      (select k.fingerprint from privacy_console.signing_key k where k.id = x.signer)
    from privacy_console.export x join privacy_console.staff s on s.id = x.staff join privacy_console.access a on a.id = x.access
    where p_request is null or x.request = p_request order by x.id desc limit 200;`,
)}
${definer(
  'export_redactions(p_access bigint)',
  'table (id bigint, collection text, row_key text, column_name text, object text, ground text)',
  `  -- What stays out of the package that is written with this access.
  perform privacy_console.subject_of(p_access, array['export'], null);
  return query select r.id, r.collection, r.row_key, r.column_name, r.object, r.ground
    from privacy_console.export x cross join lateral privacy_console.redacted_of(x) r where x.access = p_access order by r.id;`,
)}
${definer(
  'redact(p_request bigint, p_collection text, p_row_key text, p_column text, p_object text, p_ground text, p_reason text)',
  'jsonb',
  `  perform privacy_console.only_write();
  v_staff := privacy_console.caller(array['operator']);
  if p_ground is null or p_ground not in (${redactionGrounds.map((each) => `'${each}'`).join(', ')}) then
    raise exception 'Say on what ground it is kept back.' using errcode = 'PC004';
  end if;
  if p_reason is null or length(trim(p_reason)) < 3 or length(p_reason) > 2000 then
    raise exception 'Say why it is kept back, in 3 to 2000 characters.' using errcode = 'PC004';
  end if;
  if (p_object is null) <> (p_collection is not null and p_row_key is not null) or (p_object is not null and (p_collection is not null or p_column is not null)) then
    raise exception 'Name a record, a field of one, or a file.' using errcode = 'PC004';
  end if;
  select r.state, r.kind, r.subject into v_state, v_kind, v_subject from privacy_console.request r where r.id = p_request;
  if v_state is null then
    raise exception 'There is no request %.', p_request using errcode = 'PC005';
  end if;
  if v_state = 'closed' or v_kind not in ('access', 'export') or v_subject is null then
    return privacy_console.refused('export.redacted', v_subject, p_request, 'refused',
      'Only an open access or export request that names its person has packages to keep something out of.');
  end if;
  select s.kind, s.key into v_kind, v_key from privacy_console.subject s where s.reference = v_subject;
  if v_key is null then
    raise exception 'This person has been erased; nothing is left to export.' using errcode = 'PC007';
  end if;
  if p_column is not null and not exists (select from privacy_console.mapped_column m where m.collection = p_collection and m.column_name = p_column and not m.never) then
    raise exception 'No package has a field of that name there.' using errcode = 'PC005';
  end if;
  if p_object is null then
    perform privacy_console.refuse_unheld_row(v_kind, p_collection, v_key, p_row_key);
  else
    perform privacy_console.refuse_unheld_object(v_kind, v_key, p_object);
    v_object := encode(sha256(convert_to(p_object, 'UTF8')), 'hex');
  end if;
  if exists (select from privacy_console.redaction r where r.request = p_request and r.withdrawn is null
      and r.collection is not distinct from p_collection and r.row_key is not distinct from p_row_key
      and r.column_name is not distinct from p_column and r.object is not distinct from v_object) then
    raise exception 'That is kept back already.' using errcode = 'PC006';
  end if;
  v_entry := privacy_console.append('export.redacted', v_subject, p_request, 'done', null,
    json_strip_nulls(json_build_object('collection', p_collection, 'row', p_row_key, 'column', p_column, 'file', v_object, 'ground', p_ground, 'reason', trim(p_reason)))::text);
  insert into privacy_console.redaction (request, subject, collection, row_key, column_name, object, ground, staff, entry)
    values (p_request, v_subject, p_collection, p_row_key, p_column, v_object, p_ground, v_staff, v_entry) returning id into v_id;
  return jsonb_build_object('ok', true, 'redaction', v_id) || privacy_console.receipt(v_entry);`,
  {
    declare:
      '  v_staff bigint; v_state text; v_kind text; v_subject text; v_key text; v_object text; v_entry bigint; v_id bigint;',
  },
)}
${definer(
  'withdraw_redaction(p_redaction bigint, p_reason text)',
  'jsonb',
  `  perform privacy_console.only_write();
  perform privacy_console.caller(array['operator']);
  if p_reason is null or length(trim(p_reason)) < 3 or length(p_reason) > 2000 then
    raise exception 'Say why it goes out after all, in 3 to 2000 characters.' using errcode = 'PC004';
  end if;
  select r.* into v_redaction from privacy_console.redaction r where r.id = p_redaction for update;
  if v_redaction.id is null then
    raise exception 'There is no redaction %.', p_redaction using errcode = 'PC005';
  end if;
  if v_redaction.withdrawn is not null then
    raise exception 'Redaction % has been taken back already.', p_redaction using errcode = 'PC006';
  end if;
  v_entry := privacy_console.append('export.redaction_withdrawn', v_redaction.subject, v_redaction.request, 'done', v_redaction.entry,
    json_build_object('redaction', p_redaction, 'reason', trim(p_reason))::text);
  update privacy_console.redaction r set withdrawn = v_entry where r.id = p_redaction;
  return jsonb_build_object('ok', true) || privacy_console.receipt(v_entry);`,
  { declare: '  v_redaction privacy_console.redaction; v_entry bigint;' },
)}
${definer(
  'redactions(p_request bigint)',
  'table (id bigint, request bigint, collection text, row_key text, column_name text, object text, ground text, redacted_by text, redacted_at timestamptz, withdrawn boolean)',
  `  perform privacy_console.caller(array['viewer', 'operator', 'approver', 'auditor', 'admin']);
  return query select r.id, r.request, r.collection, r.row_key, r.column_name, r.object, r.ground, s.login, e.at, r.withdrawn is not null
    from privacy_console.redaction r join privacy_console.staff s on s.id = r.staff join privacy_console.entry e on e.number = r.entry
    where r.request = p_request order by r.id;`,
)}
`;

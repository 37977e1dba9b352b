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
  state text not null default 'running' check (state in ('running', 'done', 'failed', 'abandoned')),
  started_at timestamptz not null default clock_timestamp(),
  finished_at timestamptz,
  sha256 text,
  bytes bigint,
  rows bigint,
  files bigint,
  entry bigint not null references privacy_console.entry,
  -- The release under which it went in spite of gaps.
  release bigint references privacy_console.release
);
create index export_request on privacy_console.export (request);

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
${definer(
  'begin_export(p_request bigint)',
  'jsonb',
  `  perform privacy_console.only_write();
  v_staff := privacy_console.caller(array['operator']);
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
  if not privacy_console.spend_person(v_staff, v_subject) then
    return privacy_console.refused('export.begun', v_subject, p_request, 'budget_spent',
      'The hourly budget of people is spent; wait a few minutes, or ask an administrator to raise it.');
  end if;
  -- Who begins again has given up what a crash left behind.
  perform privacy_console.give_up_export(x) from (
    select e from privacy_console.export e where e.request = p_request and e.staff = v_staff and e.state = 'running' order by e.id for update) y(x);
  v_entry := privacy_console.append('export.begun', v_subject, p_request, 'intent', null,
    case when v_release is not null then json_build_object('release', v_release)::text end);
  v_access := privacy_console.grant_access(v_staff, 'export', v_subject, p_request, ${signOfLifeMinutes}, v_entry);
  insert into privacy_console.export (request, subject, access, staff, entry, release)
    values (p_request, v_subject, v_access, v_staff, v_entry, v_release) returning id into v_id;
  return jsonb_build_object('ok', true, 'export', v_id, 'access', v_access, 'subject', v_subject,
      'kind', (select s.kind from privacy_console.subject s where s.reference = v_subject),
      'controller', (select k.controller from privacy_console.subject s join privacy_console.subject_kind k on k.kind = s.kind where s.reference = v_subject),
      'released', (
      select jsonb_build_object('release', x.id, 'gaps', x.gaps, 'reason', x.reason, 'askedBy', x.asked_by, 'approvedBy', x.decided_by,
          'approvedAt', to_char(x.decided_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
          'expiresAt', to_char(x.expires_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))
        from privacy_console.releases(p_request) x where x.id = v_release)) || privacy_console.receipt(v_entry);`,
  {
    declare:
      '  v_release bigint; v_staff bigint; v_kind text; v_state text; v_subject text; v_entry bigint; v_access bigint; v_id bigint;',
  },
)}
${definer(
  'export_lives(p_export bigint)',
  'jsonb',
  `  -- A sign of life of who writes the package. It prolongs the access, but not past a day after the intent, and not
  -- once it has ended: an export that was killed loses it within minutes.
  perform privacy_console.only_write();
  v_staff := privacy_console.caller(array['operator']);
  perform 1 from privacy_console.export x where x.id = p_export and x.staff = v_staff and x.state = 'running';
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
  if v_export.state <> 'running' then
    raise exception 'Export % is over already.', p_export using errcode = 'PC006';
  end if;
  return jsonb_build_object('ok', true) || privacy_console.receipt(privacy_console.give_up_export(v_export));`,
  { declare: '  v_staff bigint; v_export privacy_console.export;' },
)}
${definer(
  'end_export(p_export bigint, p_sha256 text, p_bytes bigint, p_rows bigint, p_files bigint, p_detail text)',
  'jsonb',
  `  perform privacy_console.only_write();
  v_staff := privacy_console.caller(array['operator']);
  update privacy_console.export x
    set state = case when p_sha256 is null then 'failed' else 'done' end, finished_at = clock_timestamp(),
        sha256 = p_sha256, bytes = p_bytes, rows = p_rows, files = p_files
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
  { declare: '  v_staff bigint; v_subject text; v_request bigint; v_intent bigint; v_access bigint;' },
)}
${definer(
  'list_exports(p_request bigint)',
  'table (id bigint, request bigint, subject text, state text, started_at timestamptz, started_by text, finished_at timestamptz, sha256 text, bytes bigint, rows bigint, files bigint)',
  `  perform privacy_console.caller(array['viewer', 'operator', 'approver', 'auditor', 'admin']);
  -- Whoever writes a package keeps its access open; one that has ended tells of a crash.
  return query select x.id, x.request, x.subject,
      case when x.state = 'running' and (a.closed_at is not null or a.expires_at <= clock_timestamp()) then 'interrupted' else x.state end,
      x.started_at, s.login, x.finished_at, x.sha256, x.bytes, x.rows, x.files
    from privacy_console.export x join privacy_console.staff s on s.id = x.staff join privacy_console.access a on a.id = x.access
    where p_request is null or x.request = p_request order by x.id desc limit 200;`,
)}
`;

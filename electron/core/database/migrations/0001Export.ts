import { definer } from '../pins.ts';

/** Exports: an intent that opens the full values of one person, and its outcome; run as the trail's owner. */
export const exporting = `
create table privacy_console.export (
  id bigint generated always as identity primary key,
  request bigint not null references privacy_console.request,
  subject text not null references privacy_console.subject,
  access bigint not null references privacy_console.access,
  staff bigint not null references privacy_console.staff,
  state text not null default 'running' check (state in ('running', 'done', 'failed')),
  started_at timestamptz not null default clock_timestamp(),
  finished_at timestamptz,
  sha256 text,
  bytes bigint,
  rows bigint,
  files bigint,
  entry bigint not null references privacy_console.entry
);
create index export_request on privacy_console.export (request);

${definer(
  'refuse_where_unmapped()',
  'void',
  `  select string_agg(g.what || ' ' || g.detail, ', ') into v_gaps from (select * from privacy_console.map_gaps() limit 5) g;
  if v_gaps is not null then
    raise exception 'The data map does not cover the database (%); map it or rule it out, install again, then retry.', v_gaps using errcode = 'PC010';
  end if;`,
  { declare: '  v_gaps text;' },
)}
${definer(
  'begin_export(p_request bigint)',
  'jsonb',
  `  perform privacy_console.only_write();
  v_staff := privacy_console.caller(array['operator']);
  perform privacy_console.refuse_where_unsafe();
  perform privacy_console.refuse_bypass();
  perform privacy_console.refuse_where_unmapped();
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
  v_entry := privacy_console.append('export.begun', v_subject, p_request, 'intent', null, null);
  v_access := privacy_console.grant_access(v_staff, 'export', v_subject, p_request, 24 * 60, v_entry);
  insert into privacy_console.export (request, subject, access, staff, entry)
    values (p_request, v_subject, v_access, v_staff, v_entry) returning id into v_id;
  return jsonb_build_object('ok', true, 'export', v_id, 'access', v_access, 'subject', v_subject) || privacy_console.receipt(v_entry);`,
  {
    declare:
      '  v_staff bigint; v_kind text; v_state text; v_subject text; v_entry bigint; v_access bigint; v_id bigint;',
  },
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
    raise exception 'There is no running export of that number.' using errcode = 'PC005';
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
  return query select x.id, x.request, x.subject, x.state, x.started_at, s.login, x.finished_at, x.sha256, x.bytes, x.rows, x.files
    from privacy_console.export x join privacy_console.staff s on s.id = x.staff
    where p_request is null or x.request = p_request order by x.id desc limit 200;`,
)}
`;

import { custodyEvents, custodyMoves, mediumLabel } from '#shared/domain/custody.ts';
import { definer } from '../pins.ts';

/** None of what is written here holds a quote. */
const quoted = (text: string): string => `'${text}'`;

/** As conditions on what is recorded and what was recorded last of the same medium. */
const moves = custodyEvents
  .map((event) => {
    const known = custodyMoves[event].filter((each) => each !== null).map(quoted);
    const first = custodyMoves[event].includes(null) ? ' or v_last is null' : '';
    return `(p_event = ${quoted(event)} and (v_last in (${known.join(', ')})${first}))`;
  })
  .join(' or ');

/** Which medium holds a package, and who has it; run as the trail's owner. */
export const custody = `
create table privacy_console.custody (
  id bigint generated always as identity primary key,
  export bigint not null references privacy_console.export,
  medium text not null check (medium ~ ${quoted(mediumLabel.source)}),
  event text not null check (event in (${custodyEvents.map(quoted).join(', ')})),
  staff bigint not null references privacy_console.staff,
  entry bigint not null references privacy_console.entry
);
create index custody_export on privacy_console.custody (export, medium, id);

${definer(
  'record_custody(p_export bigint, p_medium text, p_event text, p_sha256 text, p_note text)',
  'jsonb',
  `  perform privacy_console.only_write();
  v_staff := privacy_console.caller(case when p_event in ('writing', 'written', 'not_written') then array['operator'] else array['operator', 'approver'] end);
  if p_medium is null or p_medium !~ ${quoted(mediumLabel.source)} then
    raise exception 'A medium is called by up to 40 letters, digits, spaces, dots, dashes and underscores, beginning with a letter or a digit.' using errcode = 'PC004';
  end if;
  if p_event is null or p_event not in (${custodyEvents.map(quoted).join(', ')}) or length(p_note) > 500 then
    raise exception 'Say what happened to the medium, with a note of at most 500 characters.' using errcode = 'PC004';
  end if;
  if p_event in ('handed_over', 'received') and (p_note is null or length(trim(p_note)) < 3) then
    raise exception 'Say to whom the medium was handed over, or who received it.' using errcode = 'PC004';
  end if;
  select x.* into v_export from privacy_console.export x where x.id = p_export for update;
  if v_export.id is null then
    raise exception 'There is no export %.', p_export using errcode = 'PC005';
  end if;
  if v_export.state <> 'done' then
    raise exception 'Export % is not complete, so there is no package to deliver.', p_export using errcode = 'PC006';
  end if;
  select c.event, c.staff, c.entry into v_last, v_writer, v_intent from privacy_console.custody c
    where c.export = p_export and c.medium = p_medium order by c.id desc limit 1;
  if (${moves}) is not true then
    raise exception 'That can not come next for this medium; look at what was recorded of it last.' using errcode = 'PC006';
  end if;
  if p_event in ('written', 'not_written') and v_writer <> v_staff then
    raise exception 'Another operator is writing this medium.' using errcode = 'PC006';
  end if;
  if p_event = 'written' and p_sha256 is distinct from v_export.sha256 then
    return privacy_console.refused('custody.written', v_export.subject, v_export.request, 'refused',
      'What is on the medium is not the package that was registered for this export; nothing of it may be handed out.');
  end if;
  v_entry := privacy_console.append('custody.' || p_event, v_export.subject, v_export.request,
    case p_event when 'writing' then 'intent' when 'not_written' then 'failed' else 'done' end,
    case when p_event in ('written', 'not_written') then v_intent end,
    json_strip_nulls(json_build_object('export', p_export, 'medium', p_medium, 'sha256', case when p_event = 'written' then p_sha256 end, 'note', nullif(trim(p_note), '')))::text);
  insert into privacy_console.custody (export, medium, event, staff, entry) values (p_export, p_medium, p_event, v_staff, v_entry);
  return jsonb_build_object('ok', true, 'sha256', v_export.sha256, 'bytes', v_export.bytes, 'subject', v_export.subject, 'request', v_export.request,
      'finishedAt', to_char(v_export.finished_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
      'signer', (select k.fingerprint from privacy_console.signing_key k where k.id = v_export.signer)) || privacy_console.receipt(v_entry);`,
  {
    declare:
      '  v_staff bigint; v_export privacy_console.export; v_last text; v_writer bigint; v_intent bigint; v_entry bigint;',
  },
)}
${definer(
  'custody_of(p_export bigint)',
  'table (id bigint, medium text, event text, at timestamptz, login text, entry bigint, note text)',
  `  perform privacy_console.caller(array['viewer', 'operator', 'approver', 'auditor', 'admin']);
  -- To whom it went is for those who record it; an auditor reads it on the record.
  return query select c.id, c.medium, c.event, e.at, s.login, c.entry,
      case when privacy_console.holds_role('operator') or privacy_console.holds_role('approver') then
        (select d.text::json ->> 'note' from privacy_console.detail d where d.entry = c.entry) end
    from privacy_console.custody c join privacy_console.staff s on s.id = c.staff join privacy_console.entry e on e.number = c.entry
    where c.export = p_export order by c.id;`,
)}
${definer(
  'copy_days()',
  'int',
  `  perform privacy_console.caller(array['viewer', 'operator', 'approver', 'auditor', 'admin']);
  return privacy_console.setting_of('copy_days');`,
)}
${definer(
  'record_shredding(p_export bigint, p_because text, p_intent bigint, p_done boolean)',
  'jsonb',
  `  -- The end of a package's copy on the computer it was made on: announced, then told how it went.
  perform privacy_console.only_write();
  perform privacy_console.caller(array['operator']);
  if p_because is null or p_because not in ('asked', 'expired') or (p_intent is null) <> (p_done is null) then
    raise exception 'Say why the copy goes, and of what was announced how it went.' using errcode = 'PC004';
  end if;
  select x.* into v_export from privacy_console.export x where x.id = p_export;
  if v_export.id is null or v_export.state <> 'done' then
    raise exception 'There is no package of export %.', p_export using errcode = 'PC005';
  end if;
  if p_intent is not null and not exists (select from privacy_console.entry e where e.number = p_intent and e.action = 'copy.shredding'
      and e.actor = session_user::text and e.subject = v_export.subject and e.request = v_export.request
      and not exists (select from privacy_console.entry o where o.intent = e.number)) then
    raise exception 'That was not announced by you, or it is told already how it went.' using errcode = 'PC006';
  end if;
  return jsonb_build_object('ok', true) || privacy_console.receipt(privacy_console.append(
    case when p_done is null then 'copy.shredding' when p_done then 'copy.shredded' else 'copy.not_shredded' end, v_export.subject, v_export.request,
    case when p_done is null then 'intent' when p_done then 'done' else 'failed' end, p_intent,
    json_build_object('export', p_export, 'because', p_because)::text));`,
  { declare: '  v_export privacy_console.export;' },
)}
`;

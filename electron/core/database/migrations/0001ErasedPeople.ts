import { definer, step } from '../pins.ts';

/**
 * Who was erased, as keyed hashes of their addresses and numbers: whoever knows one of them finds the
 * story of the deletion again, nobody finds an address from it. Run as the trail's owner.
 */
export const erasedPeople = `
create table privacy_console.erased_identity (
  hash bytea not null,
  subject text not null references privacy_console.subject,
  primary key (hash, subject)
);

-- What somebody asked for; told once the question is committed, and gone with the next one after an hour.
create table privacy_console.erased_seek (
  entry bigint primary key references privacy_console.entry,
  hash bytea not null,
  at timestamptz not null default clock_timestamp()
);

${step(
  'keyed_hash(p_form text, p_value text)',
  'bytea',
  `  -- Nested, so that nothing can be added behind the value.
  return (select sha256(i.secret || sha256(i.secret || convert_to(p_form || ':' || p_value, 'UTF8'))) from privacy_console.installation i);`,
)}
${definer(
  'keep_identities(p_plan privacy_console.plan)',
  'void',
  `  insert into privacy_console.erased_identity (hash, subject)
    select privacy_console.keyed_hash(f.form, v.value), p_plan.subject from unnest(array['email', 'phone']) f(form)
      cross join lateral unnest(privacy_console.scope_values(p_plan.scope, '/' || f.form || 's')) v(value)
    on conflict do nothing;`,
)}
${definer(
  'seek_erased(p_text text)',
  'jsonb',
  `  -- The text itself is kept nowhere.
  perform privacy_console.only_write();
  perform privacy_console.caller(array['approver', 'auditor']);
  v_form := case when position('@' in p_text) > 0 then 'email' else 'phone' end;
  v_value := privacy_console.identifier(v_form, p_text);
  if v_value is null or length(p_text) > 320 then
    raise exception 'Give the whole e-mail address or phone number the person had.' using errcode = 'PC004';
  end if;
  v_entry := privacy_console.append('erased.sought', null, null, 'done', null, json_build_object('by', v_form)::text);
  delete from privacy_console.erased_seek s where s.at < clock_timestamp() - interval '1 hour';
  insert into privacy_console.erased_seek (entry, hash) values (v_entry, privacy_console.keyed_hash(v_form, v_value));
  return jsonb_build_object('ok', true) || privacy_console.receipt(v_entry);`,
  { declare: '  v_form text; v_value text; v_entry bigint;' },
)}
${definer(
  'erased_found(p_entry bigint)',
  'setof jsonb',
  `  perform privacy_console.caller(array['approver', 'auditor']);
  -- A question that is rolled back would leave no trace.
  if pg_current_xact_id_if_assigned() is not null then
    raise exception 'This transaction has already written; commit the question first.' using errcode = 'PC003';
  end if;
  if not exists (select from privacy_console.erased_seek s join privacy_console.entry e on e.number = s.entry
      where s.entry = p_entry and e.actor = session_user::text and s.at > clock_timestamp() - interval '15 minutes') then
    raise exception 'Nothing was asked under that number; ask again.' using errcode = 'PC005';
  end if;
  return query select jsonb_build_object('subject', u.reference, 'kind', u.kind, 'erasedAt', u.erased_at, 'plan', p.id, 'request', p.request,
      'receivedOn', to_char(r.received_on, 'YYYY-MM-DD'), 'sha256', c.sha256)
    from privacy_console.erased_seek s join privacy_console.erased_identity i on i.hash = s.hash
      join privacy_console.subject u on u.reference = i.subject join privacy_console.plan p on p.subject = u.reference
      join privacy_console.certificate c on c.plan = p.id join privacy_console.request r on r.id = p.request
    where s.entry = p_entry order by p.id desc limit 100;`,
)}
`;

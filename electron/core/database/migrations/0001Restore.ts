import { definer, step } from '../pins.ts';
import { stale } from './0001Trail.ts';

/**
 * That the database was restored from a backup, said by two people: only then
 * do consoles go on with a trail that is shorter than the one they have seen,
 * once for what was lost then. Run as the trail's owner.
 */
export const restoring = `
create table privacy_console.restore (
  id bigint generated always as identity primary key,
  -- The last entry of the history that was lost, as the console had verified it that it was declared from.
  lost_number bigint not null,
  lost_chain bytea not null,
  -- The last entry of the database as it was restored: up to there nothing may differ from what consoles have seen.
  kept_number bigint not null,
  as_of timestamptz not null,
  reason text not null,
  staff bigint not null references privacy_console.staff,
  declared_at timestamptz not null default clock_timestamp(),
  state text not null default 'asked' check (state in ('asked', 'confirmed', 'denied', 'superseded')),
  decided_by bigint references privacy_console.staff,
  decided_at timestamptz,
  entry bigint not null references privacy_console.entry,
  decision bigint references privacy_console.entry
);

${definer(
  'declare_restore(p_number bigint, p_chain text, p_as_of timestamptz, p_reason text)',
  'jsonb',
  `  perform privacy_console.only_write();
  v_staff := privacy_console.caller(array['admin']);
  if p_reason is null or length(trim(p_reason)) not between 3 and 300 or p_number is null or p_number < 1 or p_chain is null or p_chain !~ '^[0-9a-f]{64}$' then
    raise exception 'Say which entry was lost, by its number and its value in the chain, and which backup was restored and why, in 3 to 300 characters.' using errcode = 'PC004';
  end if;
  if p_as_of is null or p_as_of > clock_timestamp() then
    raise exception 'Say as of when the database was restored: a time that is past.' using errcode = 'PC004';
  end if;
  select coalesce(max(e.number), 0) into v_kept from privacy_console.entry e where e.at <= p_as_of;
  if v_kept >= p_number then
    raise exception 'At that time there are % entries in the restored trail already, so entry % can''t have been lost; say as of when the backup was.', v_kept, p_number using errcode = 'PC006';
  end if;
  if exists (select from privacy_console.entry e where e.number = p_number and e.chain = decode(p_chain, 'hex')) then
    raise exception 'Entry % is there as it was; nothing of what this console has seen is missing.', p_number using errcode = 'PC006';
  end if;
  update privacy_console.restore r set state = 'superseded' where r.state = 'asked';
  v_entry := privacy_console.append('restore.declared', null, null, 'done', null,
    json_build_object('lost', p_number, 'chain', p_chain, 'kept', v_kept, 'asOf', to_char(p_as_of at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), 'reason', trim(p_reason))::text);
  insert into privacy_console.restore (lost_number, lost_chain, kept_number, as_of, reason, staff, entry)
    values (p_number, decode(p_chain, 'hex'), v_kept, p_as_of, trim(p_reason), v_staff, v_entry) returning id into v_id;
  return jsonb_build_object('ok', true, 'restore', v_id) || privacy_console.receipt(v_entry);`,
  { declare: '  v_staff bigint; v_kept bigint; v_entry bigint; v_id bigint;' },
)}
${step(
  'restore_expired(p_restore privacy_console.restore)',
  'boolean',
  `  return p_restore.state = 'asked' and p_restore.declared_at < clock_timestamp() - make_interval(mins => privacy_console.setting_of('approval_minutes'));`,
)}
${definer(
  'decide_restore(p_restore bigint, p_decision text)',
  'jsonb',
  `  perform privacy_console.only_write();
  v_staff := privacy_console.caller(array['auditor', 'approver']);
  v_action := case p_decision when 'approve' then 'restore.confirmed' when 'deny' then 'restore.denied' end;
  if v_action is null then
    raise exception 'Say approve or deny.' using errcode = 'PC004';
  end if;
  select r.* into v_restore from privacy_console.restore r where r.id = p_restore for update;
  if v_restore.id is null then
    raise exception 'There is no restore %.', p_restore using errcode = 'PC005';
  end if;
  if privacy_console.person_of(v_staff) = privacy_console.person_of(v_restore.staff) then
    return privacy_console.refused(v_action, null, null, 'not_permitted', 'Nobody confirms a restore they have declared; another person has to.');
  elsif p_decision = 'approve' and not privacy_console.has_just_authenticated() then
    return privacy_console.refused(v_action, null, null, ${stale});
  elsif v_restore.state <> 'asked' or privacy_console.restore_expired(v_restore) then
    return privacy_console.refused(v_action, null, null, 'conflict', 'This restore is not waiting to be confirmed any more; have it declared again.');
  elsif p_decision = 'approve' and not exists (select from privacy_console.staff s where s.id = v_restore.staff and s.active and 'admin' = any (s.roles)) then
    return privacy_console.refused(v_action, null, null, 'conflict', 'Who declared this is no administrator any more; have it declared again.');
  end if;
  v_entry := privacy_console.append(v_action, null, null, 'done', v_restore.entry,
    json_build_object('lost', v_restore.lost_number, 'chain', encode(v_restore.lost_chain, 'hex'), 'kept', v_restore.kept_number)::text);
  update privacy_console.restore r set state = case p_decision when 'approve' then 'confirmed' else 'denied' end,
      decided_by = v_staff, decided_at = clock_timestamp(), decision = v_entry
    where r.id = p_restore;
  return jsonb_build_object('ok', true) || privacy_console.receipt(v_entry);`,
  {
    declare: '  v_staff bigint; v_restore privacy_console.restore; v_action text; v_entry bigint;',
  },
)}
${definer(
  'restores()',
  'table (id bigint, lost_number bigint, lost_chain text, kept_number bigint, as_of timestamptz, reason text, declared_by text, declared_at timestamptz, state text, decided_by text, decided_at timestamptz, entry bigint, decision bigint, decision_chain text)',
  `  perform privacy_console.caller(array['viewer', 'operator', 'approver', 'auditor', 'admin']);
  -- What is confirmed counts by its entries alone.
  return query select r.id, r.lost_number, encode(r.lost_chain, 'hex'), r.kept_number, r.as_of, r.reason, s.login, d.at,
      case when privacy_console.restore_expired(r) then 'expired' else r.state end, b.login, r.decided_at, r.entry, r.decision, encode(c.chain, 'hex')
    from privacy_console.restore r join privacy_console.staff s on s.id = r.staff
      join privacy_console.entry d on d.number = r.entry and d.action = 'restore.declared'
      left join privacy_console.staff b on b.id = r.decided_by
      left join privacy_console.entry c on c.number = r.decision and c.intent = r.entry
    where r.decision is null or c.action = case r.state when 'confirmed' then 'restore.confirmed' else 'restore.denied' end
    order by r.id desc limit 200;`,
)}
`;

import { definer, step } from '../pins.ts';
import { stale } from './0001Trail.ts';

/**
 * A change of the data map: proposed by an administrator, decided by another
 * person, adopted by an install. Run as the trail's owner.
 */
export const mapChange = `
create table privacy_console.map_change (
  id bigint generated always as identity primary key,
  -- The map in force when it was proposed: what the difference was shown against.
  base text not null,
  hash text not null,
  text text not null,
  reason text not null,
  staff bigint not null references privacy_console.staff,
  proposed_at timestamptz not null default clock_timestamp(),
  state text not null default 'waiting' check (state in ('waiting', 'approved', 'denied', 'superseded', 'adopted')),
  decided_by bigint references privacy_console.staff,
  decided_at timestamptz,
  decided_because text,
  expires_at timestamptz,
  adopted_at timestamptz,
  entry bigint not null references privacy_console.entry
);
create unique index map_change_open on privacy_console.map_change ((true)) where state in ('waiting', 'approved');

${definer(
  'propose_map(p_base text, p_text text, p_reason text)',
  'jsonb',
  `  perform privacy_console.only_write();
  v_staff := privacy_console.caller(array['admin']);
  if p_reason is null or length(trim(p_reason)) < 3 then
    raise exception 'Say why the data map changes.' using errcode = 'PC004';
  end if;
  if p_text is null or length(p_text) not between 2 and 20000000 then
    raise exception 'There is no data map in this proposal.' using errcode = 'PC004';
  end if;
  v_hash := encode(sha256(convert_to(p_text, 'UTF8')), 'hex');
  select d.hash into v_current from privacy_console.data_map d where d.current for share;
  if p_base is distinct from v_current then
    return privacy_console.refused('map.proposed', null, null, 'conflict', 'The data map in force is not the one this was compared with; compare it again.');
  elsif v_hash = v_current then
    return privacy_console.refused('map.proposed', null, null, 'conflict', 'This is the data map in force; there is nothing to change.');
  end if;
  update privacy_console.map_change c set state = 'superseded' where c.state in ('waiting', 'approved');
  v_entry := privacy_console.append('map.proposed', null, null, 'done', null,
    json_build_object('from', v_current, 'to', v_hash, 'reason', trim(p_reason))::text);
  insert into privacy_console.map_change (base, hash, text, reason, staff, entry)
    values (v_current, v_hash, p_text, trim(p_reason), v_staff, v_entry) returning id into v_change;
  return jsonb_build_object('ok', true, 'change', v_change) || privacy_console.receipt(v_entry);`,
  { declare: '  v_staff bigint; v_hash text; v_current text; v_entry bigint; v_change bigint;' },
)}
${definer(
  'decide_map(p_change bigint, p_hash text, p_decision text, p_reason text)',
  'jsonb',
  `  perform privacy_console.only_write();
  v_staff := privacy_console.caller(array['admin', 'approver']);
  v_action := case p_decision when 'approve' then 'map.approved' when 'deny' then 'map.denied' end;
  if v_action is null or p_reason is null or length(trim(p_reason)) < 3 then
    raise exception 'Say approve or deny, and why.' using errcode = 'PC004';
  end if;
  select c.* into v_change from privacy_console.map_change c where c.id = p_change for update;
  if v_change.id is null then
    raise exception 'There is no change % of the data map.', p_change using errcode = 'PC005';
  end if;
  if not privacy_console.holds_role('approver') then
    return privacy_console.refused(v_action, null, null, 'not_permitted', 'Only an approver can decide about a change of the data map.');
  elsif privacy_console.person_of(v_staff) = privacy_console.person_of(v_change.staff) then
    return privacy_console.refused(v_action, null, null, 'not_permitted', 'Nobody decides about a change of their own; another person has to.');
  elsif p_decision = 'approve' and not privacy_console.has_just_authenticated() then
    return privacy_console.refused(v_action, null, null, ${stale});
  elsif v_change.state not in ('waiting', 'approved') or (v_change.state = 'approved' and p_decision = 'approve') then
    return privacy_console.refused(v_action, null, null, 'conflict', 'This change is not waiting for a decision; read it again.');
  elsif v_change.hash is distinct from p_hash then
    return privacy_console.refused(v_action, null, null, 'conflict', 'This is not the change you have read; read it again.');
  elsif v_change.base is distinct from (select d.hash from privacy_console.data_map d where d.current) then
    return privacy_console.refused(v_action, null, null, 'conflict', 'The data map has changed since this was proposed; propose it again.');
  end if;
  update privacy_console.map_change c set state = case p_decision when 'approve' then 'approved' else 'denied' end,
      decided_by = v_staff, decided_at = clock_timestamp(), decided_because = trim(p_reason),
      expires_at = clock_timestamp() + make_interval(mins => privacy_console.setting_of('approval_minutes'))
    where c.id = p_change;
  return jsonb_build_object('ok', true) || privacy_console.receipt(privacy_console.append(v_action, null, null, 'done', v_change.entry,
    json_build_object('change', p_change, 'to', p_hash, 'reason', trim(p_reason))::text));`,
  { declare: '  v_staff bigint; v_change privacy_console.map_change; v_action text;' },
)}
${definer(
  'map_changes(p_change bigint default null)',
  'setof jsonb',
  `  perform privacy_console.caller(array['viewer', 'operator', 'approver', 'auditor', 'admin']);
  return query
    select jsonb_build_object('id', c.id, 'base', c.base, 'hash', c.hash, 'reason', c.reason, 'proposedBy', s.login, 'proposedAt', c.proposed_at,
      'state', case when c.state = 'approved' and c.expires_at < clock_timestamp() then 'expired' else c.state end,
      'decision', case when c.decided_by is null then null else jsonb_build_object('by', d.login, 'at', c.decided_at, 'reason', c.decided_because, 'expiresAt', c.expires_at) end,
      'adoptedAt', c.adopted_at)
    from privacy_console.map_change c join privacy_console.staff s on s.id = c.staff left join privacy_console.staff d on d.id = c.decided_by
    where p_change is null or c.id = p_change
    order by c.id desc limit 200;`,
)}
${definer(
  'map_texts(p_change bigint)',
  'table (before text, after text)',
  `  perform privacy_console.caller(array['viewer', 'operator', 'approver', 'auditor', 'admin']);
  return query select m.text, c.text from privacy_console.map_change c join privacy_console.data_map m on m.hash = c.base where c.id = p_change;`,
)}
${step(
  'adopt_map(p_hash text, p_environment text)',
  'void',
  `  -- Called by an install, in the transaction that compiles the functions anew. An environment becomes production and stays so.
  update privacy_console.installation i set environment = p_environment
    where i.environment is null or (p_environment = 'production' and i.environment <> 'production');
  select d.hash into v_current from privacy_console.data_map d where d.current for update;
  if v_current is null or v_current = p_hash then
    return;
  end if;
  select c.* into v_change from privacy_console.map_change c
    join privacy_console.staff p on p.id = c.staff left join privacy_console.staff d on d.id = c.decided_by
    where c.hash = p_hash and c.base = v_current and c.state in ('waiting', 'approved')
      and ((select i.environment from privacy_console.installation i) <> 'production'
        or (c.state = 'approved' and c.expires_at > clock_timestamp() and d.active and 'approver' = any (d.roles) and lower(d.person) <> lower(p.person)))
    for update of c;
  if v_change.id is null and (select i.environment from privacy_console.installation i) = 'production' then
    raise exception 'In production another person approves a change of the data map first; propose this one with “console map propose” and have it approved.' using errcode = 'PC002';
  end if;
  update privacy_console.map_change c set state = case when c.id = v_change.id then 'adopted' else 'superseded' end,
      adopted_at = case when c.id = v_change.id then clock_timestamp() end
    where c.state in ('waiting', 'approved');
  -- What was opened under the old map was opened to see other things.
  update privacy_console.access a set closed_at = clock_timestamp() where a.closed_at is null and a.expires_at > clock_timestamp();
  get diagnostics v_ended = row_count;
  perform privacy_console.append('map.adopted', null, null, 'done', v_change.entry,
    json_build_object('from', v_current, 'to', p_hash, 'change', v_change.id, 'accesses ended', v_ended)::text);`,
  { declare: '  v_current text; v_change privacy_console.map_change; v_ended bigint;' },
)}
`;

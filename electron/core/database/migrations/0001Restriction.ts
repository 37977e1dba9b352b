import { restrictionExceptions, restrictionGrounds } from '#shared/domain/restriction.ts';
import { definer } from '../pins.ts';
import { stale } from './0001Trail.ts';

const everyone = "array['viewer', 'operator', 'approver', 'auditor', 'admin']";
const restricting = "array['operator', 'approver']";

const list = (names: readonly string[]): string => names.map((name) => `'${name}'`).join(', ');

/**
 * Restriction of processing: who is restricted is only stored. No access to
 * them opens and none stays open, no package of theirs is made and nothing of
 * theirs is deleted, but under a request for which an exception of the law has
 * been stated. It is lifted once it is recorded that the person was told
 * (GDPR Art. 18(3)). Run as the trail's owner.
 */
export const restrictions = `
create table privacy_console.restriction (
  id bigint generated always as identity primary key,
  subject text not null references privacy_console.subject,
  ground text not null check (ground in (${list(restrictionGrounds)})),
  -- Forgotten with the person.
  reason text not null,
  request bigint references privacy_console.request,
  staff bigint not null references privacy_console.staff,
  placed_at timestamptz not null default clock_timestamp(),
  told_by bigint references privacy_console.staff,
  told_at timestamptz,
  told_xact xid8,
  lifted_by bigint references privacy_console.staff,
  lifted_at timestamptz,
  entry bigint not null
);
create unique index restriction_open on privacy_console.restriction (subject) where lifted_at is null;

create table privacy_console.restriction_exception (
  restriction bigint not null references privacy_console.restriction,
  request bigint not null references privacy_console.request,
  exception text not null check (exception in (${list(restrictionExceptions)})),
  staff bigint not null references privacy_console.staff,
  stated_at timestamptz not null default clock_timestamp(),
  entry bigint not null,
  primary key (restriction, request)
);

${definer(
  'restricted_for(p_subject text, p_request bigint)',
  'text',
  `  -- Why nothing of this person may be processed under this request, or under none; null where it may.
  select r.id into v_restriction from privacy_console.restriction r
    where r.subject = p_subject and r.lifted_at is null
      and not exists (select from privacy_console.restriction_exception x where x.restriction = r.id and x.request = p_request);
  if v_restriction is null then
    return null;
  end if;
  return 'Processing of this person''s data is restricted (restriction ' || v_restriction || '): it is stored and nothing else; go on under a request for which an exception of the law has been stated.';`,
  { declare: '  v_restriction bigint;' },
)}
${definer(
  'restrict_processing(p_subject text, p_ground text, p_reason text, p_request bigint default null)',
  'jsonb',
  `  perform privacy_console.only_write();
  v_staff := privacy_console.caller(${restricting});
  if p_ground is null or p_ground not in (${list(restrictionGrounds)}) or length(trim(coalesce(p_reason, ''))) not between 3 and 2000 then
    raise exception 'Say which ground of the law restricts processing, and why it applies.' using errcode = 'PC004';
  end if;
  -- In the order in which who plans and runs a deletion takes them: the person first.
  perform 1 from privacy_console.subject s where s.reference = p_subject and s.key is not null for update;
  if not found then
    raise exception 'Nobody is held under that reference.' using errcode = 'PC005';
  end if;
  perform privacy_console.check_reason(p_request, p_reason, p_subject);
  -- Waits for the batches that are under way; those that come after see it.
  update privacy_console.hold_round set number = number + 1;
  if exists (select from privacy_console.restriction r where r.subject = p_subject and r.lifted_at is null) then
    return privacy_console.refused('restriction.placed', p_subject, p_request, 'conflict', 'Processing of this person''s data is restricted already.');
  end if;
  v_entry := privacy_console.append('restriction.placed', p_subject, p_request, 'done', null, json_build_object('ground', p_ground, 'reason', trim(p_reason))::text);
  insert into privacy_console.restriction (subject, ground, reason, request, staff, entry)
    values (p_subject, p_ground, trim(p_reason), p_request, v_staff, v_entry) returning id into v_restriction;
  return jsonb_build_object('ok', true, 'restriction', v_restriction) || privacy_console.receipt(v_entry);`,
  { declare: '  v_staff bigint; v_restriction bigint; v_entry bigint;' },
)}
${definer(
  'restriction_in_force(p_restriction bigint)',
  'privacy_console.restriction',
  `  select r.* into v_restriction from privacy_console.restriction r where r.id = p_restriction and r.lifted_at is null for update;
  if v_restriction.id is null then
    raise exception 'There is no restriction % in force.', p_restriction using errcode = 'PC005';
  end if;
  return v_restriction;`,
  { declare: '  v_restriction privacy_console.restriction;' },
)}
${definer(
  'state_exception(p_restriction bigint, p_request bigint, p_exception text, p_reason text)',
  'jsonb',
  `  perform privacy_console.only_write();
  v_staff := privacy_console.caller(${restricting});
  if p_exception is null or p_exception not in (${list(restrictionExceptions)}) or length(trim(coalesce(p_reason, ''))) not between 3 and 2000 then
    raise exception 'Say which exception of the law applies, and why.' using errcode = 'PC004';
  end if;
  v_restriction := privacy_console.restriction_in_force(p_restriction);
  if not exists (select from privacy_console.request r where r.id = p_request and r.state <> 'closed' and r.subject = v_restriction.subject) then
    return privacy_console.refused('restriction.excepted', v_restriction.subject, p_request, 'refused',
      'An exception is stated for an open request that names this person.');
  end if;
  if exists (select from privacy_console.restriction_exception x where x.restriction = p_restriction and x.request = p_request) then
    return privacy_console.refused('restriction.excepted', v_restriction.subject, p_request, 'conflict', 'An exception is stated for this request already.');
  end if;
  v_entry := privacy_console.append('restriction.excepted', v_restriction.subject, p_request, 'done', v_restriction.entry,
    json_build_object('restriction', p_restriction, 'exception', p_exception, 'reason', trim(p_reason))::text);
  insert into privacy_console.restriction_exception (restriction, request, exception, staff, entry)
    values (p_restriction, p_request, p_exception, v_staff, v_entry);
  return jsonb_build_object('ok', true) || privacy_console.receipt(v_entry);`,
  { declare: '  v_staff bigint; v_restriction privacy_console.restriction; v_entry bigint;' },
)}
${definer(
  'tell_of_lifting(p_restriction bigint, p_how text)',
  'jsonb',
  `  perform privacy_console.only_write();
  v_staff := privacy_console.caller(${restricting});
  if length(trim(coalesce(p_how, ''))) not between 3 and 2000 then
    raise exception 'Say how and when the person was told that the restriction will be lifted.' using errcode = 'PC004';
  end if;
  v_restriction := privacy_console.restriction_in_force(p_restriction);
  v_entry := privacy_console.append('restriction.told', v_restriction.subject, v_restriction.request, 'done', v_restriction.entry,
    json_build_object('restriction', p_restriction, 'how', trim(p_how))::text);
  update privacy_console.restriction r set told_by = v_staff, told_at = clock_timestamp(), told_xact = pg_current_xact_id() where r.id = p_restriction;
  return jsonb_build_object('ok', true) || privacy_console.receipt(v_entry);`,
  { declare: '  v_staff bigint; v_restriction privacy_console.restriction; v_entry bigint;' },
)}
${definer(
  'lift_restriction(p_restriction bigint, p_reason text)',
  'jsonb',
  `  perform privacy_console.only_write();
  v_staff := privacy_console.caller(${restricting});
  if length(trim(coalesce(p_reason, ''))) not between 3 and 2000 then
    raise exception 'Say why the restriction is lifted, in 3 characters or more.' using errcode = 'PC004';
  end if;
  v_restriction := privacy_console.restriction_in_force(p_restriction);
  if v_restriction.told_at is null or v_restriction.told_xact is not distinct from pg_current_xact_id_if_assigned() then
    return privacy_console.refused('restriction.lifted', v_restriction.subject, v_restriction.request, 'refused',
      'The person is told before a restriction is lifted; record how and when they were, then lift it.');
  end if;
  if not privacy_console.holds_role('approver') then
    return privacy_console.refused('restriction.lifted', v_restriction.subject, v_restriction.request, 'not_permitted', 'Only an approver can lift a restriction.');
  elsif privacy_console.person_of(v_staff) = privacy_console.person_of(v_restriction.told_by) then
    return privacy_console.refused('restriction.lifted', v_restriction.subject, v_restriction.request, 'not_permitted', 'Another person than who told the person of it lifts a restriction.');
  elsif not privacy_console.has_just_authenticated() then
    return privacy_console.refused('restriction.lifted', v_restriction.subject, v_restriction.request, ${stale});
  end if;
  v_entry := privacy_console.append('restriction.lifted', v_restriction.subject, v_restriction.request, 'done', v_restriction.entry,
    json_build_object('restriction', p_restriction, 'reason', trim(p_reason))::text);
  update privacy_console.restriction r set lifted_by = v_staff, lifted_at = clock_timestamp() where r.id = p_restriction;
  return jsonb_build_object('ok', true) || privacy_console.receipt(v_entry);`,
  { declare: '  v_staff bigint; v_restriction privacy_console.restriction; v_entry bigint;' },
)}
${definer(
  'forget_restrictions(p_subject text)',
  'void',
  `  -- The person is erased: what was written of the reasons goes, that there was a restriction stays in the trail.
  update privacy_console.restriction r set reason = '', lifted_at = coalesce(r.lifted_at, clock_timestamp()) where r.subject = p_subject;
  delete from privacy_console.detail d using privacy_console.entry e
    where e.number = d.entry and e.subject = p_subject and e.outcome <> 'refused' and e.action like 'restriction.%';`,
)}
${definer(
  'restriction_of(p_subject text, p_request bigint)',
  'jsonb',
  `  -- What a package says of it: the restriction in force, and under which exception it was made.
  return (select jsonb_build_object('restriction', r.id, 'ground', r.ground, 'since', to_char(r.placed_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), 'exception', x.exception)
    from privacy_console.restriction r join privacy_console.restriction_exception x on x.restriction = r.id and x.request = p_request
    where r.subject = p_subject and r.lifted_at is null);`,
)}
${definer(
  'restrictions()',
  'setof jsonb',
  `  perform privacy_console.caller(${everyone});
  return query select jsonb_build_object('id', r.id, 'subject', r.subject, 'ground', r.ground, 'reason', r.reason, 'request', r.request,
      'placedBy', p.login, 'placedAt', r.placed_at, 'toldBy', t.login, 'toldAt', r.told_at, 'liftedBy', l.login, 'liftedAt', r.lifted_at,
      'exceptions', (select coalesce(jsonb_agg(jsonb_build_object('request', x.request, 'exception', x.exception, 'statedBy', s.login, 'statedAt', x.stated_at) order by x.request), '[]')
        from privacy_console.restriction_exception x join privacy_console.staff s on s.id = x.staff where x.restriction = r.id))
    from privacy_console.restriction r join privacy_console.staff p on p.id = r.staff left join privacy_console.staff t on t.id = r.told_by left join privacy_console.staff l on l.id = r.lifted_by
    order by r.lifted_at is not null, r.id desc limit 500;`,
)}
`;

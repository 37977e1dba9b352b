import { definer } from '../pins.ts';
import { stale } from './0001Trail.ts';

/** Who may place a hold, say that it should be lifted, or set its next review. */
const holding = "array['operator', 'approver', 'admin']";
const everyone = "array['viewer', 'operator', 'approver', 'auditor', 'admin']";

/**
 * Legal holds: placed at once by one person, lifted by two. What a hold covers
 * is worked out by what is generated from the data map (`held_rows`, …) inside
 * each transaction that deletes. Run as the trail's owner.
 */
export const holds = `
create table privacy_console.hold (
  id bigint generated always as identity primary key,
  -- A person, with everything of theirs …
  subject text references privacy_console.subject,
  -- … or a table for everybody, or one row of it with what hangs on that.
  collection text,
  -- Needed to spare the row; goes when the hold is lifted.
  row_key text,
  on_record boolean not null,
  ground text not null,
  authority text not null,
  owner bigint not null references privacy_console.staff,
  review_on date not null,
  staff bigint not null references privacy_console.staff,
  placed_at timestamptz not null default clock_timestamp(),
  lifted_at timestamptz,
  entry bigint not null,
  check ((subject is null) <> (collection is null))
);
create index hold_open on privacy_console.hold (id) where lifted_at is null;

create table privacy_console.hold_lift (
  id bigint generated always as identity primary key,
  hold bigint not null references privacy_console.hold,
  staff bigint not null references privacy_console.staff,
  reason text not null,
  proposed_at timestamptz not null default clock_timestamp(),
  state text not null default 'asked' check (state in ('asked', 'approved', 'denied')),
  decided_by bigint references privacy_console.staff,
  decided_at timestamptz,
  entry bigint not null
);
create unique index hold_lift_asked on privacy_console.hold_lift (hold) where state = 'asked';

-- What a plan found held; \`late\` where the hold came after the plan was made.
create table privacy_console.plan_hold (
  plan bigint not null,
  hold bigint not null,
  rows bigint not null,
  late boolean not null,
  primary key (plan, hold)
);
create index plan_hold_hold on privacy_console.plan_hold (hold);

-- Changed by who places or lifts a hold, shared by who deletes: so each waits for the other, and no older snapshot passes.
create table privacy_console.hold_round (one boolean primary key default true check (one), number bigint not null default 0);
insert into privacy_console.hold_round default values;

${definer(
  'holds_in_force(p_hold bigint)',
  'jsonb',
  `  -- All of them, or one; null where there is none.
  if not exists (select from privacy_console.hold h where h.lifted_at is null and (p_hold is null or h.id = p_hold)) then
    return null;
  end if;
  return jsonb_build_object(
    'collections', (select coalesce(jsonb_agg(h.collection), '[]') from privacy_console.hold h
      where h.lifted_at is null and (p_hold is null or h.id = p_hold) and h.collection is not null and h.row_key is null),
    'rows', (select coalesce(jsonb_object_agg(x.collection, x.keys), '{}') from (
      select h.collection, jsonb_agg(h.row_key) as keys from privacy_console.hold h
        where h.lifted_at is null and (p_hold is null or h.id = p_hold) and h.row_key is not null group by h.collection) x),
    'subjects', (select coalesce(jsonb_object_agg(x.kind, x.keys), '{}') from (
      select s.kind, jsonb_agg(s.key) as keys from privacy_console.hold h join privacy_console.subject s on s.reference = h.subject
        where h.lifted_at is null and (p_hold is null or h.id = p_hold) and s.key is not null group by s.kind) x));`,
)}
${definer(
  'keep_holds_out()',
  'void',
  `  -- Until this transaction ends no hold is placed or lifted; one that was placed since it began ends it.
  perform 1 from privacy_console.hold_round for share;`,
)}
${definer(
  'note_holds(p_plan privacy_console.plan, p_late boolean, p_hold bigint)',
  'void',
  `  -- Which holds cover what of the plan; all that are in force, or one.
  select s.key, s.kind into v_key, v_kind from privacy_console.subject s where s.reference = p_plan.subject;
  if v_key is null or not exists (select from privacy_console.held_rows(v_kind, v_key, p_plan.scope, p_hold)) then
    return;
  end if;
  insert into privacy_console.plan_hold (plan, hold, rows, late)
    select p_plan.id, h.id, sum(x.rows), p_late from privacy_console.hold h
      cross join lateral privacy_console.held_rows(v_kind, v_key, p_plan.scope, h.id) x
      where h.lifted_at is null and (p_hold is null or h.id = p_hold) group by h.id
    on conflict (plan, hold) do nothing;`,
  { declare: '  v_key text; v_kind text;' },
)}
${definer(
  'stopped_by(p_plan privacy_console.plan)',
  'text',
  `  -- Why a plan can't be run because of a hold or a restriction; null while none is in its way.
  v_says := privacy_console.restricted_for(p_plan.subject, p_plan.request);
  if v_says is not null then
    return v_says;
  end if;
  select h.id into v_hold from privacy_console.hold h where h.subject = p_plan.subject and h.lifted_at is null order by h.id limit 1;
  if v_hold is not null then
    return 'Legal hold ' || v_hold || ' covers this person; nothing is deleted until two people have lifted it.';
  end if;
  select n.hold into v_hold from privacy_console.plan_hold n where n.plan = p_plan.id and n.late order by n.hold limit 1;
  if v_hold is not null then
    return 'Legal hold ' || v_hold || ' was placed since this was planned and covers part of it; plan the deletion again and have it approved.';
  end if;
  return null;`,
  { declare: '  v_hold bigint; v_says text;' },
)}
${definer(
  'place_hold(p_subject text, p_collection text, p_row_key text, p_ground text, p_authority text, p_owner text, p_review_on date)',
  'jsonb',
  `  perform privacy_console.only_write();
  v_staff := privacy_console.caller(${holding});
  if length(trim(coalesce(p_ground, ''))) not between 3 and 2000 or length(trim(coalesce(p_authority, ''))) not between 3 and 300 then
    raise exception 'Say on what ground, and on whose authority, in 3 characters or more.' using errcode = 'PC004';
  end if;
  if p_review_on is null or p_review_on < (clock_timestamp() at time zone 'Asia/Kolkata')::date then
    raise exception 'Say until when the hold is to be reviewed: a day that is not over.' using errcode = 'PC004';
  end if;
  if (p_subject is null) = (p_collection is null) or (p_row_key is not null and p_collection is null) then
    raise exception 'A hold is on one person, on one table, or on one record of a table.' using errcode = 'PC004';
  end if;
  select s.id into v_owner from privacy_console.staff s where s.login = p_owner and s.active;
  if v_owner is null then
    raise exception 'The owner of a hold is an active member of staff.' using errcode = 'PC005';
  end if;
  if p_subject is not null and not exists (select from privacy_console.subject s where s.reference = p_subject and s.key is not null) then
    raise exception 'Nobody is held under that reference.' using errcode = 'PC005';
  end if;
  if p_collection is not null and not exists (select from privacy_console.kind_collection c where c.collection = p_collection) then
    raise exception 'The data map has no collection of that name.' using errcode = 'PC005';
  end if;
  -- What waits is called off; in the order in which runs take their locks.
  perform 1 from privacy_console.run r where r.state = 'waiting' order by r.id for update;
  v_waiting := array(select r.id from privacy_console.run r where r.state = 'waiting');
  -- Waits for the batches that are under way; those that come after see the hold.
  update privacy_console.hold_round set number = number + 1;
  if p_row_key is not null and not privacy_console.row_stands(p_collection, p_row_key) then
    return privacy_console.refused('hold.placed', null, null, 'not_found', 'There is no such record; a hold on nothing would hold nothing.');
  end if;
  insert into privacy_console.hold (subject, collection, row_key, on_record, ground, authority, owner, review_on, staff, entry)
    values (p_subject, p_collection, p_row_key, p_row_key is not null, trim(p_ground), trim(p_authority), v_owner, p_review_on, v_staff, 0) returning id into v_hold;
  for v_plan in select p.* from privacy_console.plan p where p.state in ('awaiting', 'approved', 'running') order by p.id loop
    perform privacy_console.note_holds(v_plan, true, v_hold);
  end loop;
  v_entry := privacy_console.append('hold.placed', p_subject, null, 'done', null, json_build_object('hold', v_hold, 'collection', p_collection,
    'ground', trim(p_ground), 'authority', trim(p_authority), 'owner', p_owner, 'review', p_review_on)::text);
  update privacy_console.hold h set entry = v_entry where h.id = v_hold;
  for v_run in select r.* from privacy_console.run r join privacy_console.plan_hold n on n.plan = r.plan and n.hold = v_hold
      where r.id = any (v_waiting) order by r.id loop
    update privacy_console.run r set state = 'cancelled', finished_at = clock_timestamp() where r.id = v_run.id;
    select p.* into v_plan from privacy_console.plan p where p.id = v_run.plan;
    perform privacy_console.void_plan(v_plan);
    perform privacy_console.append('erasure.cancelled', v_plan.subject, v_plan.request, 'done', v_run.entry, json_build_object('run', v_run.id, 'hold', v_hold)::text);
  end loop;
  return jsonb_build_object('ok', true, 'hold', v_hold) || privacy_console.receipt(v_entry);`,
  {
    declare:
      '  v_staff bigint; v_owner bigint; v_waiting bigint[]; v_hold bigint; v_entry bigint; v_plan privacy_console.plan; v_run privacy_console.run;',
  },
)}
${definer(
  'review_hold(p_hold bigint, p_until date, p_reason text)',
  'jsonb',
  `  perform privacy_console.only_write();
  perform privacy_console.caller(${holding});
  if length(trim(coalesce(p_reason, ''))) not between 3 and 2000 then
    raise exception 'Say why the hold goes on, in 3 characters or more.' using errcode = 'PC004';
  end if;
  if p_until is null or p_until <= (clock_timestamp() at time zone 'Asia/Kolkata')::date then
    raise exception 'The next review is on a later day than today.' using errcode = 'PC004';
  end if;
  update privacy_console.hold h set review_on = p_until where h.id = p_hold and h.lifted_at is null returning h.subject, h.entry into v_subject, v_intent;
  if not found then
    raise exception 'There is no open hold %.', p_hold using errcode = 'PC005';
  end if;
  return jsonb_build_object('ok', true) || privacy_console.receipt(privacy_console.append('hold.reviewed', v_subject, null, 'done', v_intent,
    json_build_object('hold', p_hold, 'until', p_until, 'reason', trim(p_reason))::text));`,
  { declare: '  v_subject text; v_intent bigint;' },
)}
${definer(
  'propose_lift(p_hold bigint, p_reason text)',
  'jsonb',
  `  perform privacy_console.only_write();
  v_staff := privacy_console.caller(${holding});
  if length(trim(coalesce(p_reason, ''))) not between 3 and 2000 then
    raise exception 'Say why the hold is to be lifted, in 3 characters or more.' using errcode = 'PC004';
  end if;
  select h.* into v_hold from privacy_console.hold h where h.id = p_hold and h.lifted_at is null for update;
  if v_hold.id is null then
    raise exception 'There is no open hold %.', p_hold using errcode = 'PC005';
  end if;
  if exists (select from privacy_console.hold_lift l where l.hold = p_hold and l.state = 'asked') then
    return privacy_console.refused('hold.lift_proposed', v_hold.subject, null, 'conflict', 'Lifting this hold waits for a decision already.');
  end if;
  v_entry := privacy_console.append('hold.lift_proposed', v_hold.subject, null, 'done', v_hold.entry, json_build_object('hold', p_hold, 'reason', trim(p_reason))::text);
  insert into privacy_console.hold_lift (hold, staff, reason, entry) values (p_hold, v_staff, trim(p_reason), v_entry) returning id into v_lift;
  return jsonb_build_object('ok', true, 'lift', v_lift) || privacy_console.receipt(v_entry);`,
  { declare: '  v_staff bigint; v_hold privacy_console.hold; v_entry bigint; v_lift bigint;' },
)}
${definer(
  'decide_lift(p_lift bigint, p_decision text, p_reason text)',
  'jsonb',
  `  perform privacy_console.only_write();
  v_staff := privacy_console.caller(${holding});
  v_action := case p_decision when 'approve' then 'hold.lifted' when 'deny' then 'hold.lift_denied' end;
  if v_action is null or length(trim(coalesce(p_reason, ''))) not between 3 and 2000 then
    raise exception 'Say approve or deny, and why.' using errcode = 'PC004';
  end if;
  select l.* into v_lift from privacy_console.hold_lift l where l.id = p_lift for update;
  if v_lift.id is null then
    raise exception 'There is no proposal % to lift a hold.', p_lift using errcode = 'PC005';
  end if;
  select h.* into v_hold from privacy_console.hold h where h.id = v_lift.hold for update;
  if not privacy_console.holds_role('approver') then
    return privacy_console.refused(v_action, v_hold.subject, null, 'not_permitted', 'Only an approver can decide about lifting a hold.');
  elsif privacy_console.person_of(v_staff) = privacy_console.person_of(v_lift.staff) then
    return privacy_console.refused(v_action, v_hold.subject, null, 'not_permitted', 'Nobody lifts a hold alone; another person than who proposed it has to decide.');
  elsif p_decision = 'approve' and not privacy_console.has_just_authenticated() then
    return privacy_console.refused(v_action, v_hold.subject, null, ${stale});
  elsif v_lift.state <> 'asked' or v_hold.lifted_at is not null then
    return privacy_console.refused(v_action, v_hold.subject, null, 'conflict', 'This proposal does not wait for a decision any more.');
  elsif p_decision = 'approve' and not exists (select from privacy_console.staff s where s.id = v_lift.staff and s.active and s.roles && ${holding}) then
    return privacy_console.refused(v_action, v_hold.subject, null, 'conflict', 'Who proposed this has no rights any more; have it proposed again.');
  end if;
  if p_decision = 'approve' then
    update privacy_console.hold_round set number = number + 1;
    update privacy_console.hold h set lifted_at = clock_timestamp(), row_key = null where h.id = v_hold.id;
  end if;
  update privacy_console.hold_lift l set state = case p_decision when 'approve' then 'approved' else 'denied' end, decided_by = v_staff, decided_at = clock_timestamp()
    where l.id = p_lift;
  v_entry := privacy_console.append(v_action, v_hold.subject, null, 'done', v_lift.entry, json_build_object('hold', v_hold.id, 'reason', trim(p_reason))::text);
  if p_decision = 'approve' then
    -- What the hold stopped is to be done again: as a new plan, for the old one keeps what may go now.
    for v_plan in select distinct on (p.request) p.* from privacy_console.plan_hold n join privacy_console.plan p on p.id = n.plan join privacy_console.request r on r.id = p.request
        where n.hold = v_hold.id and r.state <> 'closed' order by p.request, p.id desc loop
      if v_plan.state in ('awaiting', 'approved') then
        perform privacy_console.void_plan(v_plan);
      end if;
      update privacy_console.request r set state = 'in_progress' where r.id = v_plan.request;
      perform privacy_console.append('erasure.requeued', v_plan.subject, v_plan.request, 'done', null, json_build_object('plan', v_plan.id, 'hold', v_hold.id)::text);
    end loop;
  end if;
  return jsonb_build_object('ok', true) || privacy_console.receipt(v_entry);`,
  {
    declare:
      '  v_staff bigint; v_action text; v_lift privacy_console.hold_lift; v_hold privacy_console.hold; v_plan privacy_console.plan; v_entry bigint;',
  },
)}
${definer(
  'holds()',
  'setof jsonb',
  `  v_staff := privacy_console.caller(${everyone});
  -- Whose record it is that somebody would place a hold on is not told to who then rolls that back.
  if pg_current_xact_id_if_assigned() is not null then
    raise exception 'This transaction has already written; commit it before reading holds.' using errcode = 'PC003';
  end if;
  return query select jsonb_build_object('id', h.id, 'subject', h.subject, 'collection', h.collection,
      -- A key can name its person, and this answers without an access: so to who placed the hold or looks after it alone.
      'record', h.on_record, 'rowKey', case when v_staff in (h.staff, h.owner) then h.row_key end,
      'ground', h.ground, 'authority', h.authority, 'owner', o.login, 'reviewOn', h.review_on,
      'due', h.lifted_at is null and h.review_on <= (clock_timestamp() at time zone 'Asia/Kolkata')::date,
      'placedBy', p.login, 'placedAt', h.placed_at, 'liftedAt', h.lifted_at,
      'lift', (select jsonb_build_object('id', l.id, 'state', l.state, 'reason', l.reason, 'proposedBy', a.login, 'proposedAt', l.proposed_at,
          'decidedBy', d.login, 'decidedAt', l.decided_at)
        from privacy_console.hold_lift l join privacy_console.staff a on a.id = l.staff left join privacy_console.staff d on d.id = l.decided_by
        where l.hold = h.id order by l.id desc limit 1),
      'stopped', (select coalesce(jsonb_agg(jsonb_build_object('request', x.request, 'plan', x.plan) order by x.request), '[]') from (
        select q.request, max(q.id) as plan from privacy_console.plan_hold n join privacy_console.plan q on q.id = n.plan join privacy_console.request r on r.id = q.request
          where n.hold = h.id and r.state <> 'closed' group by q.request) x))
    from privacy_console.hold h join privacy_console.staff o on o.id = h.owner join privacy_console.staff p on p.id = h.staff
    order by h.lifted_at is not null, h.review_on, h.id limit 500;`,
  { declare: '  v_staff bigint;' },
)}
`;

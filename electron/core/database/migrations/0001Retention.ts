import { definer, step } from '../pins.ts';
import { stale } from './0001Trail.ts';

const everyone = "array['viewer', 'operator', 'approver', 'auditor', 'admin']";

/** For how many days a standing approval holds at most. */
export const mostStandingDays = 90;

/** How old the plan of a run may be that a standing approval covers. */
const freshHours = 24;

/**
 * Retention: what the map's rules let expire is counted in a plan, approved by another person or covered by a standing
 * approval with limits, and deleted in journalled batches. What touches the platform's rows is generated from the data
 * map (`expiry_count`, `expire_rows`, …). Run as the trail's owner.
 */
export const retaining = `
-- The rules of the map in force, as the compiler found them.
create table privacy_console.expiry_rule (
  place int not null unique,
  collection text not null,
  rule text not null,
  title text not null,
  schema_name text not null,
  table_name text not null,
  from_column text not null,
  -- Null where the platform says the days: then \`period\` names the column.
  days int,
  period text,
  -- The columns that are overwritten; null where the rows go.
  overwrites text,
  definition text not null,
  primary key (collection, rule)
);

-- What the map in force says of rows that deletions keep, once their term is over.
create table privacy_console.kept_rule (
  place int not null unique,
  kind text not null,
  collection text not null,
  title text not null,
  ground text not null,
  years int not null,
  from_column text not null,
  overwrites text,
  definition text not null,
  primary key (kind, collection)
);

-- Which rows a deletion kept, by their keys, until their term is over; counts once the deletion has ended.
create table privacy_console.kept_row (
  kind text not null,
  collection text not null,
  row_key text not null,
  plan bigint not null references privacy_console.plan,
  -- Null where the row doesn't say since when.
  until timestamptz,
  primary key (kind, collection, row_key)
);
create index kept_row_plan on privacy_console.kept_row (plan);

-- Laws that ask for data to be kept for a while, each switched on or off by people who decide, never by itself.
create table privacy_console.retention_floor (
  jurisdiction text primary key check (jurisdiction ~ '^[A-Z]{2}$'),
  ground text not null,
  days int not null check (days between 1 and 36500),
  in_force boolean not null,
  set_by bigint references privacy_console.staff,
  set_at timestamptz,
  entry bigint
);
-- Counted from the processing; whether and of what it asks that is for counsel to decide, so it is off.
insert into privacy_console.retention_floor (jurisdiction, ground, days, in_force)
  values ('IN', 'Digital Personal Data Protection Rules 2025, rule 8(3)', 365, false);

create table privacy_console.standing_approval (
  id bigint generated always as identity primary key,
  staff bigint not null references privacy_console.staff,
  -- Rows a run may take in all, and by one rule.
  rows_per_run bigint not null,
  rows_per_rule bigint not null,
  valid_until timestamptz not null,
  reason text not null,
  asked_at timestamptz not null default clock_timestamp(),
  bytes bytea not null,
  sha256 text not null,
  state text not null default 'asked' check (state in ('asked', 'approved', 'denied', 'revoked')),
  decided_by bigint references privacy_console.staff,
  decided_at timestamptz,
  revoked_by bigint references privacy_console.staff,
  revoked_at timestamptz,
  entry bigint not null references privacy_console.entry
);

create table privacy_console.retention_plan (
  id bigint generated always as identity primary key,
  staff bigint not null references privacy_console.staff,
  state text not null default 'draft' check (state in ('draft', 'awaiting', 'approved', 'denied', 'running', 'done', 'expired')),
  -- The days of every rule count back from here.
  made_at timestamptz not null,
  map_hash text not null,
  floor_days int not null,
  -- Whether partitions that are due as a whole are left to their owner.
  by_partition boolean not null,
  bytes bytea,
  sha256 text,
  -- The standing approval it was run under.
  standing bigint references privacy_console.standing_approval,
  entry bigint not null references privacy_console.entry
);

create table privacy_console.retention_line (
  plan bigint not null references privacy_console.retention_plan,
  line int not null,
  kind text not null check (kind in ('expiry', 'kept')),
  collection text not null,
  rule text not null,
  title text not null,
  overwrites text,
  planned bigint not null,
  -- Due too, and left: covered by a hold or a restriction, or referred to by other rows.
  kept bigint not null,
  referred bigint not null,
  primary key (plan, line)
);

-- What a rule's days come to, for each row of the platform's that says them.
create table privacy_console.retention_period (
  plan bigint not null,
  line int not null,
  period text not null,
  days int not null,
  -- The days with the floor in force.
  kept_days int not null,
  cutoff timestamptz not null,
  planned bigint not null,
  -- Over by the rule's days, and kept by the floor.
  floored bigint not null,
  primary key (plan, line, period),
  foreign key (plan, line) references privacy_console.retention_line
);

-- Partitions of which every row is due by one rule.
create table privacy_console.retention_partition (
  plan bigint not null,
  line int not null,
  relation oid not null,
  schema_name text not null,
  table_name text not null,
  parent_schema text not null,
  parent_table text not null,
  before timestamptz not null,
  rows bigint not null,
  shown_by bigint references privacy_console.staff,
  shown_at timestamptz,
  shown_xact xid8,
  recorded_by bigint references privacy_console.staff,
  recorded_at timestamptz,
  entry bigint,
  primary key (plan, line, relation),
  foreign key (plan, line) references privacy_console.retention_line
);

create table privacy_console.retention_approval (
  id bigint generated always as identity primary key,
  plan bigint not null references privacy_console.retention_plan,
  staff bigint not null references privacy_console.staff,
  decision text not null check (decision in ('approve', 'deny')),
  sha256 text not null,
  at timestamptz not null default clock_timestamp(),
  expires_at timestamptz not null,
  entry bigint not null references privacy_console.entry
);
create index retention_approval_plan on privacy_console.retention_approval (plan);

create table privacy_console.retention_run (
  id bigint generated always as identity primary key,
  plan bigint not null unique references privacy_console.retention_plan,
  staff bigint not null references privacy_console.staff,
  state text not null default 'running' check (state in ('running', 'incomplete', 'done')),
  started_at timestamptz not null default clock_timestamp(),
  finished_at timestamptz,
  entry bigint not null references privacy_console.entry
);
-- Two runs would take the same rows.
create unique index retention_run_open on privacy_console.retention_run ((true)) where state = 'running';

create table privacy_console.retention_step (
  run bigint not null references privacy_console.retention_run,
  line int not null,
  done bigint not null default 0,
  after jsonb,
  finished_at timestamptz,
  -- Counted anew once it was finished.
  remaining bigint,
  primary key (run, line)
);

${step(
  'floor_days()',
  'int',
  `  -- The platform doesn't say under which law somebody stands, so the longest that is in force holds for all.
  return coalesce((select max(f.days) from privacy_console.retention_floor f where f.in_force), 0);`,
)}
${step(
  'rules_text()',
  'text',
  `  -- What a standing approval is an approval of, besides its limits.
  return (select '{"floor":' || privacy_console.floor_days() || ',"rules":[' || coalesce(string_agg(r.definition, ',' order by r.rank, r.place), '') || ']}'
    from (select 1 as rank, e.place, e.definition from privacy_console.expiry_rule e union all select 2, k.place, k.definition from privacy_console.kept_rule k) r);`,
)}
${step(
  'kept_keys(p_line privacy_console.retention_line, p_until timestamptz)',
  'text[]',
  `  -- Rows that deletions kept which have ended, and whose term was over then.
  return array(select k.row_key from privacy_console.kept_row k join privacy_console.plan p on p.id = k.plan and p.state = 'done'
    where k.kind = substr(p_line.rule, 2) and k.collection = p_line.collection and k.until <= p_until order by k.row_key collate "C");`,
)}
${step(
  'journal_kept(p_plan privacy_console.plan)',
  'void',
  `  -- What the law keeps of a person who is deleted: noted when that begins, before anything is handed over, and when it ends.
  insert into privacy_console.kept_row (kind, collection, row_key, plan, until)
    select s.kind, k.collection, k.row_key, p_plan.id, k.until
      from privacy_console.subject s cross join lateral privacy_console.rows_kept(s.kind, s.key) k where s.reference = p_plan.subject and s.key is not null
    on conflict (kind, collection, row_key) do update set plan = excluded.plan, until = excluded.until;`,
)}
${step(
  'kept_in_force()',
  'jsonb',
  `  -- What legal holds cover, and who is restricted; null where that is nothing.
  v_held := privacy_console.holds_in_force(null);
  if v_held is null and not exists (select from privacy_console.restriction r where r.lifted_at is null) then
    return null;
  end if;
  return coalesce(v_held, '{"collections": [], "rows": {}}') || jsonb_build_object('subjects', (
    select coalesce(jsonb_object_agg(x.kind, x.keys), '{}') from (
      select s.kind, jsonb_agg(s.key) as keys from privacy_console.subject s
        where s.key is not null and s.reference in (
          select h.subject from privacy_console.hold h where h.lifted_at is null
          union select r.subject from privacy_console.restriction r where r.lifted_at is null)
        group by s.kind) x));`,
  { declare: '  v_held jsonb;' },
)}
${step(
  'retention_text(p_plan privacy_console.retention_plan)',
  'text',
  `  -- Made from the rows that a run works by, so that bytes and rows can be held against each other.
  return '{"byPartition":' || p_plan.by_partition || ',"floor":' || p_plan.floor_days
    || ',"lines":' || (select coalesce(json_agg(json_build_array(l.line, l.kind, l.collection, l.rule, l.overwrites, l.planned, l.kept, l.referred,
        (select coalesce(json_agg(json_build_array(d.period, d.days, d.kept_days, to_char(d.cutoff at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), d.planned, d.floored)
          order by d.period collate "C"), '[]') from privacy_console.retention_period d where d.plan = l.plan and d.line = l.line),
        (select coalesce(json_agg(json_build_array(o.relation::text, o.schema_name, o.table_name, o.rows) order by o.relation), '[]')
          from privacy_console.retention_partition o where o.plan = l.plan and o.line = l.line)) order by l.line), '[]')::text
      from privacy_console.retention_line l where l.plan = p_plan.id)
    || ',"made":"' || to_char(p_plan.made_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '"'
    || ',"map":' || to_json(p_plan.map_hash)::text || ',"retention":' || p_plan.id || '}';`,
)}
${step(
  'refuse_old_rules(p_plan privacy_console.retention_plan)',
  'text',
  `  -- Why a plan can't be carried out any more; null while nothing that it was made by has changed.
  if p_plan.map_hash <> (select d.hash from privacy_console.data_map d where d.current) then
    return 'The data map has changed since this was planned; plan it again.';
  elsif p_plan.floor_days <> privacy_console.floor_days() then
    return 'How long the law asks data to be kept has been set anew since this was planned; plan it again.';
  end if;
  return null;`,
)}
${definer(
  'draft_retention(p_by_partition boolean)',
  'jsonb',
  `  perform privacy_console.only_write();
  v_staff := privacy_console.may_begin();
  if not exists (select from privacy_console.expiry_rule) and not exists (select from privacy_console.kept_rule) then
    raise exception 'The data map has no rule by which anything expires; add “expiry” to a collection.' using errcode = 'PC007';
  end if;
  perform 1 from privacy_console.retention_plan p where p.state in ('draft', 'awaiting', 'approved') order by p.id for update;
  update privacy_console.retention_plan p set state = 'expired' where p.state in ('draft', 'awaiting', 'approved');
  v_entry := privacy_console.append('retention.intended', null, null, 'intent', null, null);
  insert into privacy_console.retention_plan (staff, made_at, map_hash, floor_days, by_partition, entry)
    values (v_staff, date_trunc('second', clock_timestamp()), (select d.hash from privacy_console.data_map d where d.current), privacy_console.floor_days(), p_by_partition, v_entry)
    returning id into v_plan;
  return jsonb_build_object('ok', true, 'plan', v_plan, 'rules', (
      select jsonb_agg(jsonb_build_object('collection', r.collection, 'rule', r.rule, 'title', r.title) order by r.rank, r.place) from (
        select 1 as rank, e.place, e.collection, e.rule, e.title from privacy_console.expiry_rule e
        union all select 2, k.place, k.collection, '$' || k.kind, k.title from privacy_console.kept_rule k) r)) || privacy_console.receipt(v_entry);`,
  { declare: '  v_staff bigint; v_entry bigint; v_plan bigint;' },
)}
${definer(
  'fill_retention(p_plan bigint, p_collection text, p_rule text)',
  'jsonb',
  `  -- Counts what one rule lets expire. Nothing of it is told before this is committed, and no entry names a person.
  perform privacy_console.only_write();
  v_staff := privacy_console.caller(array['operator']);
  select p.* into v_plan from privacy_console.retention_plan p where p.id = p_plan and p.staff = v_staff and p.state = 'draft' for update;
  select r.* into v_rule from privacy_console.expiry_rule r where r.collection = p_collection and r.rule = p_rule;
  select k.* into v_term from privacy_console.kept_rule k where k.collection = p_collection and '$' || k.kind = p_rule;
  if v_plan.id is null or (v_rule.collection is null and v_term.collection is null) or v_plan.map_hash <> (select d.hash from privacy_console.data_map d where d.current) then
    raise exception 'There is no draft of yours with that number, or its rules have changed; plan again.' using errcode = 'PC005';
  end if;
  if exists (select from privacy_console.retention_line l where l.plan = p_plan and l.collection = p_collection and l.rule = p_rule) then
    return jsonb_build_object('ok', true);
  end if;
  perform privacy_console.refuse_where_unsafe();
  perform privacy_console.keep_holds_out();
  if v_term.collection is not null then
    insert into privacy_console.retention_line (plan, line, kind, collection, rule, title, overwrites, planned, kept, referred)
      values (p_plan, 1000000 + v_term.place, 'kept', v_term.collection, p_rule, v_term.title, v_term.overwrites, 0, 0, 0) returning * into v_line;
    select d.due, d.kept, d.referred into v_line.planned, v_line.kept, v_line.referred from privacy_console.kept_due(v_term.kind, v_term.collection,
      privacy_console.kept_keys(v_line, v_plan.made_at), v_plan.made_at, privacy_console.kept_parts(privacy_console.kept_in_force())) d;
    update privacy_console.retention_line l set planned = v_line.planned, kept = v_line.kept, referred = v_line.referred where l.plan = p_plan and l.line = v_line.line;
    -- The term is counted in years, and ends for each row by itself.
    insert into privacy_console.retention_period (plan, line, period, days, kept_days, cutoff, planned, floored)
      values (p_plan, v_line.line, '', v_term.years * 365, v_term.years * 365, v_plan.made_at, v_line.planned, 0);
    perform privacy_console.hold_briefly();
    return jsonb_build_object('ok', true);
  end if;
  insert into privacy_console.retention_line (plan, line, kind, collection, rule, title, overwrites, planned, kept, referred)
    values (p_plan, v_rule.place, 'expiry', v_rule.collection, v_rule.rule, v_rule.title, v_rule.overwrites, 0, 0, 0);
  insert into privacy_console.retention_period (plan, line, period, days, kept_days, cutoff, planned, floored)
    select p_plan, v_rule.place, e.period, e.days, greatest(e.days, v_plan.floor_days), v_plan.made_at - make_interval(days => greatest(e.days, v_plan.floor_days)), 0, 0
      from privacy_console.expiry_periods(p_collection, p_rule) e;
  select array_agg(d.period order by d.period), array_agg(d.cutoff order by d.period), array_agg(v_plan.made_at - make_interval(days => d.days) order by d.period)
    into v_periods, v_cutoffs, v_own from privacy_console.retention_period d where d.plan = p_plan and d.line = v_rule.place;
  if v_periods is not null then
    v_found := (select coalesce(jsonb_agg(jsonb_build_array(c.period, c.part, c.due, c.kept, c.referred, c.floored, c.passed)), '[]')
      from privacy_console.expiry_count(p_collection, p_rule, v_periods, v_cutoffs, v_own, privacy_console.kept_parts(privacy_console.kept_in_force())) c);
  end if;
  -- Of a partition everything goes where its bounds end before every row in it is due, and each of them is.
  insert into privacy_console.retention_partition (plan, line, relation, schema_name, table_name, parent_schema, parent_table, before, rows)
    select p_plan, v_rule.place, c.oid, n.nspname, c.relname, pn.nspname, p.relname, b.before, x.due
      from (select (f.value ->> 1)::oid as part, sum((f.value ->> 2)::bigint) as due, sum((f.value ->> 6)::bigint) as passed
          from jsonb_array_elements(v_found) f(value) group by 1) x
      join pg_class c on c.oid = x.part and c.relispartition
      join pg_namespace n on n.oid = c.relnamespace
      join pg_inherits i on i.inhrelid = c.oid join pg_class p on p.oid = i.inhparent join pg_namespace pn on pn.oid = p.relnamespace
      join pg_partitioned_table t on t.partrelid = p.oid and t.partstrat = 'r' and t.partnatts = 1
      join pg_attribute a on a.attrelid = p.oid and a.attnum = t.partattrs[0] and a.attname = v_rule.from_column
      join pg_type y on y.oid = a.atttypid
      -- Bounds of another type are no times, whatever they look like.
      cross join lateral (select case when y.typname in ('timestamptz', 'timestamp', 'date')
        then substring(pg_get_expr(c.relpartbound, c.oid) from ' TO [(]''([^'']+)''[)]$')::timestamptz end as before) b
      where v_rule.overwrites is null and x.due > 0 and x.due = x.passed
        and b.before <= (select max(d.cutoff) from privacy_console.retention_period d where d.plan = p_plan and d.line = v_rule.place);
  update privacy_console.retention_period d set planned = x.due, floored = x.floored
    from (select f.value ->> 0 as period, sum((f.value ->> 2)::bigint) filter (where not v_plan.by_partition or o.relation is null) as due, sum((f.value ->> 5)::bigint) as floored
        from jsonb_array_elements(v_found) f(value)
        left join privacy_console.retention_partition o on o.plan = p_plan and o.line = v_rule.place and o.relation = (f.value ->> 1)::oid
        where f.value ->> 0 is not null group by 1) x
    where d.plan = p_plan and d.line = v_rule.place and d.period = x.period and x.due is not null;
  update privacy_console.retention_line l set
      planned = (select coalesce(sum(d.planned), 0) from privacy_console.retention_period d where d.plan = p_plan and d.line = l.line),
      kept = (select coalesce(sum((f.value ->> 3)::bigint), 0) from jsonb_array_elements(v_found) f(value)),
      referred = (select coalesce(sum((f.value ->> 4)::bigint), 0) from jsonb_array_elements(v_found) f(value))
    where l.plan = p_plan and l.line = v_rule.place;
  perform privacy_console.hold_briefly();
  return jsonb_build_object('ok', true);`,
  {
    declare:
      "  v_staff bigint; v_plan privacy_console.retention_plan; v_rule privacy_console.expiry_rule; v_term privacy_console.kept_rule; v_line privacy_console.retention_line; v_periods text[]; v_cutoffs timestamptz[]; v_own timestamptz[]; v_found jsonb := '[]';",
  },
)}
${definer(
  'seal_retention(p_plan bigint)',
  'jsonb',
  `  perform privacy_console.only_write();
  v_staff := privacy_console.caller(array['operator']);
  select p.* into v_plan from privacy_console.retention_plan p where p.id = p_plan and p.staff = v_staff and p.state = 'draft' for update;
  if v_plan.id is null then
    raise exception 'There is no draft of yours with that number; plan again.' using errcode = 'PC005';
  end if;
  if exists (select from (
        select r.collection, r.rule from privacy_console.expiry_rule r union all select k.collection, '$' || k.kind from privacy_console.kept_rule k) r
      where not exists (select from privacy_console.retention_line l where l.plan = p_plan and l.collection = r.collection and l.rule = r.rule)) then
    raise exception 'Each rule is counted first; plan again.' using errcode = 'PC006';
  end if;
  v_text := privacy_console.retention_text(v_plan);
  update privacy_console.retention_plan p set bytes = convert_to(v_text, 'UTF8'), sha256 = encode(sha256(convert_to(v_text, 'UTF8')), 'hex'), state = 'awaiting'
    where p.id = p_plan;
  return jsonb_build_object('ok', true) || privacy_console.receipt(privacy_console.append('retention.planned', null, null, 'done', v_plan.entry,
    json_build_object('plan', p_plan, 'sha256', encode(sha256(convert_to(v_text, 'UTF8')), 'hex'))::text));`,
  { declare: '  v_staff bigint; v_plan privacy_console.retention_plan; v_text text;' },
)}
${step(
  "retention_approvers(p_plan privacy_console.retention_plan, p_until timestamptz default '-infinity')",
  'setof text',
  `  -- Who has approved exactly these bytes and may still: other people than the planner; none once somebody has denied.
  return query select privacy_console.person_of(a.staff) from privacy_console.retention_approval a join privacy_console.staff s on s.id = a.staff
    where a.plan = p_plan.id and a.decision = 'approve' and a.sha256 = encode(sha256(p_plan.bytes), 'hex') and a.expires_at >= p_until
      and s.active and 'approver' = any (s.roles) and privacy_console.person_of(a.staff) <> privacy_console.person_of(p_plan.staff)
      and not exists (select from privacy_console.retention_approval d where d.plan = p_plan.id and d.decision = 'deny');`,
)}
${step(
  'standing_in_force(p_standing bigint)',
  'privacy_console.standing_approval',
  `  -- One that two people who still may have made, that isn't over, and whose rules are those in force.
  select a.* into v_standing from privacy_console.standing_approval a
    join privacy_console.staff d on d.id = a.decided_by and d.active and 'approver' = any (d.roles)
    where (p_standing is null or a.id = p_standing) and a.state = 'approved' and a.valid_until > clock_timestamp()
      and privacy_console.person_of(a.decided_by) <> privacy_console.person_of(a.staff)
      and a.bytes = convert_to(privacy_console.standing_text(a.rows_per_run, a.rows_per_rule, a.valid_until), 'UTF8') and a.sha256 = encode(sha256(a.bytes), 'hex')
    order by a.id desc limit 1;
  return v_standing;`,
  { declare: '  v_standing privacy_console.standing_approval;' },
)}
${step(
  'standing_text(p_run bigint, p_rule bigint, p_until timestamptz)',
  'text',
  `  return '{"map":' || privacy_console.rules_text() || ',"rowsPerRule":' || p_rule || ',"rowsPerRun":' || p_run
    || ',"until":"' || to_char(p_until at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') || '"}';`,
)}
${definer(
  'decide_retention(p_plan bigint, p_sha256 text, p_decision text, p_reason text)',
  'jsonb',
  `  perform privacy_console.only_write();
  v_staff := privacy_console.caller(array['operator', 'approver']);
  v_action := case p_decision when 'approve' then 'retention.approved' when 'deny' then 'retention.denied' end;
  if v_action is null or length(trim(coalesce(p_reason, ''))) not between 3 and 2000 then
    raise exception 'Say approve or deny, and why.' using errcode = 'PC004';
  end if;
  select p.* into v_plan from privacy_console.retention_plan p where p.id = p_plan for update;
  if v_plan.id is null then
    raise exception 'There is no retention plan %.', p_plan using errcode = 'PC005';
  end if;
  if not privacy_console.holds_role('approver') then
    return privacy_console.refused(v_action, null, null, 'not_permitted', 'Only an approver can decide about a retention plan.');
  elsif privacy_console.person_of(v_staff) = privacy_console.person_of(v_plan.staff) then
    return privacy_console.refused(v_action, null, null, 'not_permitted', 'Nobody decides about a plan of their own; another person has to.');
  elsif p_decision = 'approve' and not privacy_console.has_just_authenticated() then
    return privacy_console.refused(v_action, null, null, ${stale});
  elsif v_plan.state <> 'awaiting' then
    return privacy_console.refused(v_action, null, null, 'conflict', 'This plan is not waiting for a decision; read it again.');
  elsif v_plan.sha256 is distinct from p_sha256 then
    return privacy_console.refused(v_action, null, null, 'conflict', 'This is not the plan you have read; read it again.');
  end if;
  v_says := case p_decision when 'approve' then privacy_console.refuse_old_rules(v_plan) end;
  if v_says is not null then
    return privacy_console.refused(v_action, null, null, 'conflict', v_says);
  end if;
  v_entry := privacy_console.append(v_action, null, null, 'done', v_plan.entry, json_build_object('plan', p_plan, 'sha256', p_sha256, 'reason', trim(p_reason))::text);
  insert into privacy_console.retention_approval (plan, staff, decision, sha256, expires_at, entry)
    values (p_plan, v_staff, p_decision, p_sha256, clock_timestamp() + make_interval(mins => privacy_console.setting_of('approval_minutes')), v_entry);
  update privacy_console.retention_plan p set state = case p_decision when 'approve' then 'approved' else 'denied' end where p.id = p_plan;
  return jsonb_build_object('ok', true) || privacy_console.receipt(v_entry);`,
  {
    declare:
      '  v_staff bigint; v_plan privacy_console.retention_plan; v_action text; v_says text; v_entry bigint;',
  },
)}
${definer(
  'begin_retention(p_plan bigint, p_standing boolean)',
  'jsonb',
  `  -- Begins a plan that another person has approved, or one within the limits of a standing approval; or resumes it.
  perform privacy_console.only_write();
  v_staff := privacy_console.may_begin();
  select p.* into v_plan from privacy_console.retention_plan p where p.id = p_plan for update;
  if v_plan.id is null then
    raise exception 'There is no retention plan %.', p_plan using errcode = 'PC005';
  end if;
  perform 1 from privacy_console.retention_run r where r.plan = p_plan for update;
  v_action := case v_plan.state when 'running' then 'retention.resumed' else 'retention.begun' end;
  v_code := 'refused';
  if v_plan.state = 'awaiting' and p_standing then
    v_standing := privacy_console.standing_in_force(null);
    if v_standing.id is null then
      v_says := 'No standing approval is in force for the rules as they are; have this plan approved.';
    elsif privacy_console.person_of(v_standing.decided_by) = privacy_console.person_of(v_staff) then
      v_code := 'not_permitted';
      v_says := 'Who gave the standing approval can''t run under it.';
    elsif v_plan.made_at < clock_timestamp() - interval '${freshHours} hours' then
      v_says := 'A standing approval covers plans of the last ${freshHours} hours; plan again.';
    elsif (select coalesce(sum(l.planned), 0) from privacy_console.retention_line l where l.plan = p_plan) > v_standing.rows_per_run then
      v_says := 'More rows are due than the standing approval lets a run take; have this plan approved by itself.';
    elsif exists (select from privacy_console.retention_line l where l.plan = p_plan and l.planned > v_standing.rows_per_rule) then
      v_says := 'More rows are due by one rule than the standing approval lets a run take; have this plan approved by itself.';
    end if;
  elsif v_plan.state not in ('approved', 'running') then
    v_says := 'Only an approved plan can be run.';
  elsif v_plan.standing is null and privacy_console.person_of(v_staff) in (select a from privacy_console.retention_approvers(v_plan) a) then
    v_code := 'not_permitted';
    v_says := 'Who approved a plan can''t run it.';
  elsif v_plan.state = 'approved' and not exists (select from privacy_console.retention_approvers(v_plan, clock_timestamp())) then
    v_says := 'No valid approval covers this plan; plan it again and have that approved.';
  end if;
  if v_says is null and v_plan.bytes is distinct from convert_to(privacy_console.retention_text(v_plan), 'UTF8') then
    v_says := 'The plan is not what was counted; plan it again and have that approved.';
  end if;
  if v_says is null then
    v_code := 'conflict';
    v_says := privacy_console.refuse_old_rules(v_plan);
  end if;
  if v_says is null and exists (select from privacy_console.retention_run r where r.state = 'running' and r.plan <> p_plan) then
    v_says := 'Another retention run is under way; wait for it, or stop it first.';
  end if;
  if v_says is not null then
    update privacy_console.retention_run r set state = 'incomplete' where r.plan = p_plan and r.state = 'running';
    return privacy_console.refused(v_action, null, null, v_code, v_says);
  end if;
  v_entry := privacy_console.append(v_action, null, null, case v_plan.state when 'running' then 'done' else 'intent' end,
    (select r.entry from privacy_console.retention_run r where r.plan = p_plan),
    json_build_object('plan', p_plan, 'sha256', v_plan.sha256, 'standing', coalesce(v_plan.standing, v_standing.id))::text);
  if v_plan.state <> 'running' then
    update privacy_console.retention_plan p set state = 'running', standing = v_standing.id where p.id = p_plan;
    insert into privacy_console.retention_run (plan, staff, entry) values (p_plan, v_staff, v_entry) returning id into v_run;
    insert into privacy_console.retention_step (run, line) select v_run, l.line from privacy_console.retention_line l where l.plan = p_plan and l.planned > 0;
  else
    update privacy_console.retention_run r set state = 'running' where r.plan = p_plan returning r.id into v_run;
    update privacy_console.retention_step t set finished_at = null, after = null, remaining = null where t.run = v_run and t.remaining > 0;
  end if;
  return jsonb_build_object('ok', true, 'run', v_run, 'steps', (
      select coalesce(jsonb_agg(jsonb_build_object('line', t.line, 'title', l.title, 'planned', l.planned, 'done', t.done, 'finished', t.finished_at is not null) order by t.line), '[]')
      from privacy_console.retention_step t join privacy_console.retention_line l on l.plan = p_plan and l.line = t.line where t.run = v_run))
    || privacy_console.receipt(v_entry);`,
  {
    declare:
      '  v_staff bigint; v_plan privacy_console.retention_plan; v_standing privacy_console.standing_approval; v_action text; v_code text; v_says text; v_entry bigint; v_run bigint;',
  },
)}
${step(
  'running_retention(p_run bigint)',
  'privacy_console.retention_plan',
  `  -- Checked inside each deleting transaction, whatever was checked before.
  v_staff := privacy_console.caller(array['operator']);
  select p.* into v_plan from privacy_console.retention_run r join privacy_console.retention_plan p on p.id = r.plan
    where r.id = p_run and r.state = 'running' and p.state = 'running';
  if v_plan.id is null then
    raise exception 'No such retention run is under way; begin or resume it first.' using errcode = 'PC005';
  end if;
  if v_plan.standing is null then
    v_people := array(select privacy_console.retention_approvers(v_plan));
  else
    v_standing := privacy_console.standing_in_force(v_plan.standing);
    v_people := array(select privacy_console.person_of(v_standing.decided_by) where v_standing.id is not null);
  end if;
  if cardinality(v_people) = 0 or privacy_console.person_of(v_staff) = any (v_people) then
    raise exception 'No valid approval by another person covers this run.' using errcode = 'PC002';
  end if;
  v_says := privacy_console.refuse_old_rules(v_plan);
  if v_says is not null then
    raise exception '%', v_says using errcode = 'PC006';
  end if;
  if v_plan.bytes is distinct from convert_to(privacy_console.retention_text(v_plan), 'UTF8') then
    raise exception 'The plan is not what was approved; plan it again and have that approved.' using errcode = 'PC002';
  end if;
  perform privacy_console.refuse_where_unsafe();
  perform privacy_console.keep_holds_out();
  perform privacy_console.hold_briefly();
  return v_plan;`,
  {
    declare:
      '  v_staff bigint; v_plan privacy_console.retention_plan; v_standing privacy_console.standing_approval; v_people text[]; v_says text;',
  },
)}
${definer(
  'retention_batch(p_run bigint, p_line int, p_limit int default 5000)',
  'jsonb',
  `  perform privacy_console.only_write();
  select t.* into v_step from privacy_console.retention_step t where t.run = p_run and t.line = p_line for update;
  v_plan := privacy_console.running_retention(p_run);
  if v_step.run is null or p_limit is null or p_limit not between 1 and 50000 then
    raise exception 'There is no such step.' using errcode = 'PC005';
  end if;
  v_held := privacy_console.held_up();
  if v_held is not null then
    return jsonb_build_object('ok', true, 'rows', 0, 'done', v_step.done, 'finished', false, 'held', v_held);
  end if;
  if v_step.finished_at is not null then
    return jsonb_build_object('ok', true, 'rows', 0, 'done', v_step.done, 'finished', true);
  end if;
  select l.* into v_line from privacy_console.retention_line l where l.plan = v_plan.id and l.line = p_line;
  select array_agg(d.period), array_agg(d.cutoff) into v_periods, v_cutoffs from privacy_console.retention_period d where d.plan = v_plan.id and d.line = p_line;
  -- Where the platform lets rows stay for longer by now, what was approved is no longer what its plans say.
  select string_agg(coalesce(nullif(d.period, ''), v_line.rule), ', ') into v_longer from privacy_console.retention_period d
    left join privacy_console.expiry_periods(v_line.collection, v_line.rule) e on e.period = d.period
    where v_line.kind = 'expiry' and d.plan = v_plan.id and d.line = p_line and e.days is distinct from d.days and d.planned > 0;
  if v_longer is not null then
    update privacy_console.retention_run r set state = 'incomplete' where r.id = p_run;
    return privacy_console.refused('retention.batch', null, null, 'conflict', 'The platform''s days have changed since this was planned (' || v_longer || '); plan it again.');
  end if;
  begin
    if v_line.kind = 'kept' then
      v_keys := array(select k.value from unnest(privacy_console.kept_keys(v_line, v_plan.made_at)) k(value)
        where v_step.after is null or k.value collate "C" > (v_step.after ->> 0) order by k.value collate "C" limit p_limit);
      v_gone := privacy_console.release_rows(substr(v_line.rule, 2), v_line.collection, v_keys, v_plan.made_at, privacy_console.kept_parts(privacy_console.kept_in_force()));
      -- What is done needs no watching any more.
      delete from privacy_console.kept_row k where k.kind = substr(v_line.rule, 2) and k.collection = v_line.collection and k.row_key = any (v_gone);
      v_did := jsonb_build_object('rows', cardinality(v_gone), 'more', cardinality(v_keys) = p_limit, 'after', jsonb_build_array(v_keys[cardinality(v_keys)]));
    else
    v_did := privacy_console.expire_rows(v_line.collection, v_line.rule, v_periods, v_cutoffs,
      array(select o.relation from privacy_console.retention_partition o where v_plan.by_partition and o.plan = v_plan.id and o.line = p_line),
      p_limit, v_step.after, privacy_console.kept_parts(privacy_console.kept_in_force()));
    end if;
    v_rows := (v_did ->> 'rows')::bigint;
    if v_step.done + v_rows > privacy_console.most_of(v_line.planned)
      or (v_plan.standing is not null and exists (select from privacy_console.standing_approval a where a.id = v_plan.standing and (
        v_step.done + v_rows > a.rows_per_rule or v_rows + (select sum(t.done) from privacy_console.retention_step t where t.run = p_run) > a.rows_per_run))) then
      raise exception 'too many' using errcode = 'PC007';
    end if;
  exception
    when foreign_key_violation or restrict_violation then v_trouble := 'referenced';
    when unique_violation or not_null_violation or check_violation or exclusion_violation or string_data_right_truncation then v_trouble := 'constraint';
    when sqlstate 'PC007' then v_trouble := 'too_many';
    -- What a trigger of the platform says may name a person, and goes nowhere.
    when raise_exception or triggered_action_exception or triggered_data_change_violation then v_trouble := 'platform';
  end;
  if v_trouble is not null then
    update privacy_console.retention_run r set state = 'incomplete' where r.id = p_run;
    return privacy_console.refused('retention.batch', null, null, case v_trouble when 'too_many' then 'refused' else 'conflict' end, case v_trouble
      when 'too_many' then 'More rows would go than was approved; plan it again and have that approved.'
      when 'platform' then 'A trigger or a rule of the platform refused a change of ' || v_line.collection || '; ask who looks after the platform, then resume the run.'
      when 'constraint' then 'A constraint of the platform forbids what the data map writes into ' || v_line.collection || '; correct the map and plan again.'
      else 'Rows of the platform came to hang on rows of ' || v_line.collection || ' meanwhile; resume the run.' end);
  end if;
  update privacy_console.retention_step t set done = t.done + v_rows, after = v_did -> 'after',
      finished_at = case when not (v_did ->> 'more')::boolean then clock_timestamp() end
    where t.run = p_run and t.line = p_line;
  if v_rows = 0 then
    return jsonb_build_object('ok', true, 'rows', 0, 'done', v_step.done, 'finished', not (v_did ->> 'more')::boolean, 'entry', null);
  end if;
  return jsonb_build_object('ok', true, 'rows', v_rows, 'done', v_step.done + v_rows, 'finished', not (v_did ->> 'more')::boolean)
    || privacy_console.receipt(privacy_console.append('retention.batch', null, null, 'done', (select r.entry from privacy_console.retention_run r where r.id = p_run),
      json_build_object('run', p_run, 'collection', v_line.collection, 'rule', v_line.rule, 'rows', v_rows)::text));`,
  {
    declare:
      '  v_plan privacy_console.retention_plan; v_step privacy_console.retention_step; v_line privacy_console.retention_line; v_periods text[]; v_cutoffs timestamptz[]; v_longer text; v_keys text[]; v_gone text[]; v_did jsonb; v_rows bigint; v_trouble text; v_held text;',
  },
)}
${definer(
  'recount_retention(p_run bigint, p_line int)',
  'jsonb',
  `  -- What a finished step was to take is counted anew.
  perform privacy_console.only_write();
  select t.* into v_step from privacy_console.retention_step t where t.run = p_run and t.line = p_line for update;
  v_plan := privacy_console.running_retention(p_run);
  if v_step.finished_at is null then
    raise exception 'This step is not finished; run it first.' using errcode = 'PC006';
  end if;
  select l.* into v_line from privacy_console.retention_line l where l.plan = v_plan.id and l.line = p_line;
  select array_agg(d.period), array_agg(d.cutoff) into v_periods, v_cutoffs from privacy_console.retention_period d where d.plan = v_plan.id and d.line = p_line;
  if v_line.kind = 'kept' then
    select d.due into v_left from privacy_console.kept_due(substr(v_line.rule, 2), v_line.collection,
      privacy_console.kept_keys(v_line, v_plan.made_at), v_plan.made_at, privacy_console.kept_parts(privacy_console.kept_in_force())) d;
  else
  select coalesce(sum(c.due), 0) into v_left
    from privacy_console.expiry_count(v_line.collection, v_line.rule, v_periods, v_cutoffs, v_cutoffs, privacy_console.kept_parts(privacy_console.kept_in_force())) c
    where not v_plan.by_partition or not exists (select from privacy_console.retention_partition o where o.plan = v_plan.id and o.line = p_line and o.relation = c.part);
  end if;
  update privacy_console.retention_step t set remaining = v_left where t.run = p_run and t.line = p_line;
  return jsonb_build_object('ok', true, 'left', v_left);`,
  {
    declare:
      '  v_plan privacy_console.retention_plan; v_step privacy_console.retention_step; v_line privacy_console.retention_line; v_periods text[]; v_cutoffs timestamptz[]; v_left bigint;',
  },
)}
${definer(
  'end_retention(p_run bigint)',
  'jsonb',
  `  perform privacy_console.only_write();
  perform 1 from privacy_console.retention_run r where r.id = p_run for update;
  v_plan := privacy_console.running_retention(p_run);
  if exists (select from privacy_console.retention_step t where t.run = p_run and (t.finished_at is null or t.remaining is null)) then
    raise exception 'Each step is finished and counted anew first.' using errcode = 'PC006';
  end if;
  select coalesce(sum(t.done), 0), coalesce(sum(t.remaining), 0) into v_done, v_left from privacy_console.retention_step t where t.run = p_run;
  update privacy_console.retention_run r set state = case when v_left = 0 then 'done' else 'incomplete' end, finished_at = case when v_left = 0 then clock_timestamp() end
    where r.id = p_run returning r.entry into v_intent;
  if v_left = 0 then
    update privacy_console.retention_plan p set state = 'done' where p.id = v_plan.id;
  end if;
  return jsonb_build_object('ok', true, 'complete', v_left = 0, 'rows', v_done, 'left', v_left) || privacy_console.receipt(privacy_console.append(
    case when v_left = 0 then 'retention.finished' else 'retention.incomplete' end, null, null, case when v_left = 0 then 'done' else 'failed' end, v_intent,
    json_build_object('run', p_run, 'rows', v_done, 'left', v_left)::text));`,
  { declare: '  v_plan privacy_console.retention_plan; v_done bigint; v_left bigint; v_intent bigint;' },
)}
${definer(
  'stop_retention(p_run bigint, p_code text)',
  'jsonb',
  `  perform privacy_console.only_write();
  perform privacy_console.caller(array['operator', 'approver']);
  update privacy_console.retention_run r set state = 'incomplete' where r.id = p_run and r.state = 'running' returning r.id into v_run;
  if v_run is null then
    return jsonb_build_object('ok', true, 'stopped', false);
  end if;
  return jsonb_build_object('ok', true, 'stopped', true) || privacy_console.receipt(privacy_console.append('retention.incomplete', null, null, 'failed', null,
    json_build_object('run', p_run, 'code', left(p_code, 40))::text));`,
  { declare: '  v_run bigint;' },
)}
${definer(
  'ask_standing(p_rows_per_run bigint, p_rows_per_rule bigint, p_valid_until timestamptz, p_reason text)',
  'jsonb',
  `  perform privacy_console.only_write();
  v_staff := privacy_console.caller(array['operator', 'admin']);
  if length(trim(coalesce(p_reason, ''))) not between 3 and 2000 then
    raise exception 'Say why, in 3 to 2000 characters.' using errcode = 'PC004';
  end if;
  if p_rows_per_run is null or p_rows_per_rule is null or p_rows_per_rule < 1 or p_rows_per_run < p_rows_per_rule or p_rows_per_run > 1000000000 then
    raise exception 'A run takes at least as many rows as one rule may, and both limits are set.' using errcode = 'PC004';
  end if;
  p_valid_until := date_trunc('second', p_valid_until);
  if p_valid_until is null or p_valid_until not between clock_timestamp() and clock_timestamp() + interval '${mostStandingDays} days' then
    raise exception 'A standing approval ends within ${mostStandingDays} days.' using errcode = 'PC004';
  end if;
  v_text := privacy_console.standing_text(p_rows_per_run, p_rows_per_rule, p_valid_until);
  v_entry := privacy_console.append('standing.asked', null, null, 'done', null, json_build_object('sha256', encode(sha256(convert_to(v_text, 'UTF8')), 'hex'),
    'rows per run', p_rows_per_run, 'rows per rule', p_rows_per_rule, 'until', to_char(p_valid_until, 'YYYY-MM-DD'), 'reason', trim(p_reason))::text);
  insert into privacy_console.standing_approval (staff, rows_per_run, rows_per_rule, valid_until, reason, bytes, sha256, entry)
    values (v_staff, p_rows_per_run, p_rows_per_rule, p_valid_until, trim(p_reason), convert_to(v_text, 'UTF8'), encode(sha256(convert_to(v_text, 'UTF8')), 'hex'), v_entry)
    returning id into v_id;
  return jsonb_build_object('ok', true, 'standing', v_id) || privacy_console.receipt(v_entry);`,
  { declare: '  v_staff bigint; v_text text; v_entry bigint; v_id bigint;' },
)}
${definer(
  'decide_standing(p_standing bigint, p_sha256 text, p_decision text, p_reason text)',
  'jsonb',
  `  perform privacy_console.only_write();
  v_staff := privacy_console.caller(array['operator', 'admin', 'approver']);
  v_action := case p_decision when 'approve' then 'standing.approved' when 'deny' then 'standing.denied' when 'revoke' then 'standing.revoked' end;
  if v_action is null or length(trim(coalesce(p_reason, ''))) not between 3 and 2000 then
    raise exception 'Say approve, deny or revoke, and why.' using errcode = 'PC004';
  end if;
  select a.* into v_standing from privacy_console.standing_approval a where a.id = p_standing for update;
  if v_standing.id is null then
    raise exception 'There is no standing approval %.', p_standing using errcode = 'PC005';
  end if;
  if not privacy_console.holds_role('approver') then
    return privacy_console.refused(v_action, null, null, 'not_permitted', 'Only an approver can decide about a standing approval.');
  elsif p_decision <> 'revoke' and privacy_console.person_of(v_staff) = privacy_console.person_of(v_standing.staff) then
    return privacy_console.refused(v_action, null, null, 'not_permitted', 'Nobody decides about a standing approval they have asked for; another person has to.');
  elsif p_decision = 'approve' and not privacy_console.has_just_authenticated() then
    return privacy_console.refused(v_action, null, null, ${stale});
  elsif v_standing.state <> (case p_decision when 'revoke' then 'approved' else 'asked' end) then
    return privacy_console.refused(v_action, null, null, 'conflict', 'This standing approval does not wait for that any more; read it again.');
  elsif v_standing.sha256 is distinct from p_sha256 then
    return privacy_console.refused(v_action, null, null, 'conflict', 'This is not what you have read; read it again.');
  elsif p_decision = 'approve' and v_standing.bytes <> convert_to(privacy_console.standing_text(v_standing.rows_per_run, v_standing.rows_per_rule, v_standing.valid_until), 'UTF8') then
    return privacy_console.refused(v_action, null, null, 'conflict', 'The rules have changed since this was asked for; ask for it again.');
  end if;
  v_entry := privacy_console.append(v_action, null, null, 'done', v_standing.entry, json_build_object('standing', p_standing, 'sha256', p_sha256, 'reason', trim(p_reason))::text);
  if p_decision = 'revoke' then
    update privacy_console.standing_approval a set state = 'revoked', revoked_by = v_staff, revoked_at = clock_timestamp() where a.id = p_standing;
  else
    update privacy_console.standing_approval a set state = case p_decision when 'approve' then 'approved' else 'denied' end, decided_by = v_staff, decided_at = clock_timestamp()
      where a.id = p_standing;
  end if;
  return jsonb_build_object('ok', true) || privacy_console.receipt(v_entry);`,
  {
    declare: '  v_staff bigint; v_standing privacy_console.standing_approval; v_action text; v_entry bigint;',
  },
)}
${definer(
  'set_floor(p_jurisdiction text, p_ground text, p_days int, p_in_force boolean, p_reason text)',
  'jsonb',
  `  -- Plans and standing approvals made with another floor are void by it.
  perform privacy_console.only_write();
  v_staff := privacy_console.caller(array['operator', 'admin', 'approver']);
  if length(trim(coalesce(p_reason, ''))) not between 3 and 2000 or length(trim(coalesce(p_ground, ''))) not between 3 and 300
    or p_jurisdiction is null or p_jurisdiction !~ '^[A-Z]{2}$' or p_days is null or p_days not between 1 and 36500 or p_in_force is null then
    raise exception 'Say the jurisdiction in two letters, the law, from 1 to 36500 days, whether it is in force, and why.' using errcode = 'PC004';
  end if;
  if not privacy_console.holds_role('approver') then
    return privacy_console.refused('floor.set', null, null, 'not_permitted', 'Only an approver can say how long the law asks data to be kept.');
  elsif not privacy_console.has_just_authenticated() then
    return privacy_console.refused('floor.set', null, null, ${stale});
  end if;
  v_entry := privacy_console.append('floor.set', null, null, 'done', null, json_build_object('jurisdiction', p_jurisdiction, 'ground', trim(p_ground), 'days', p_days,
    'in force', p_in_force, 'reason', trim(p_reason))::text);
  insert into privacy_console.retention_floor (jurisdiction, ground, days, in_force, set_by, set_at, entry)
    values (p_jurisdiction, trim(p_ground), p_days, p_in_force, v_staff, clock_timestamp(), v_entry)
    on conflict (jurisdiction) do update set ground = excluded.ground, days = excluded.days, in_force = excluded.in_force,
      set_by = excluded.set_by, set_at = excluded.set_at, entry = excluded.entry;
  return jsonb_build_object('ok', true) || privacy_console.receipt(v_entry);`,
  { declare: '  v_staff bigint; v_entry bigint;' },
)}
${definer(
  'show_partition(p_plan bigint, p_table text)',
  'jsonb',
  `  -- The statement for the partition's owner, once the plan is approved and while still every row of it may go.
  perform privacy_console.only_write();
  v_staff := privacy_console.may_begin();
  select p.* into v_plan from privacy_console.retention_plan p where p.id = p_plan for update;
  select o.* into v_part from privacy_console.retention_partition o where o.plan = p_plan and format('%I.%I', o.schema_name, o.table_name) = p_table order by o.line limit 1 for update;
  if v_part.plan is null then
    raise exception 'That plan has no such partition.' using errcode = 'PC005';
  end if;
  perform privacy_console.keep_holds_out();
  v_says := case
    when not v_plan.by_partition or v_plan.state not in ('approved', 'running', 'done') or not exists (select from privacy_console.retention_approvers(v_plan))
      then 'Another person approves a plan that leaves whole partitions to their owner first.'
    when privacy_console.person_of(v_staff) in (select a from privacy_console.retention_approvers(v_plan) a) then 'Who approved the plan does not carry it out.'
    when v_plan.bytes is distinct from convert_to(privacy_console.retention_text(v_plan), 'UTF8') then 'The plan is not what was approved; plan it again.'
    else privacy_console.refuse_old_rules(v_plan) end;
  if v_says is null then
    select l.* into v_line from privacy_console.retention_line l where l.plan = p_plan and l.line = v_part.line;
    select array_agg(d.period), array_agg(d.cutoff) into v_periods, v_cutoffs from privacy_console.retention_period d where d.plan = p_plan and d.line = v_part.line;
    select sum(c.due), sum(c.passed) into v_due, v_passed
      from privacy_console.expiry_count(v_line.collection, v_line.rule, v_periods, v_cutoffs, v_cutoffs, privacy_console.kept_parts(privacy_console.kept_in_force())) c
      where c.part = v_part.relation;
    if v_due is distinct from v_passed or v_due is null then
      v_says := 'Not every row of that partition may go any more; plan again.';
    end if;
  end if;
  if v_says is not null then
    return privacy_console.refused('partition.shown', null, null, 'refused', v_says);
  end if;
  v_entry := privacy_console.append('partition.shown', null, null, 'intent', v_plan.entry, json_build_object('plan', p_plan, 'table', p_table, 'rows', v_due)::text);
  update privacy_console.retention_partition o set shown_by = v_staff, shown_at = clock_timestamp(), shown_xact = pg_current_xact_id(), entry = v_entry
    where o.plan = p_plan and o.line = v_part.line and o.relation = v_part.relation;
  return jsonb_build_object('ok', true, 'rows', v_due, 'statement', format('alter table %I.%I detach partition %I.%I; drop table %I.%I;',
    v_part.parent_schema, v_part.parent_table, v_part.schema_name, v_part.table_name, v_part.schema_name, v_part.table_name)) || privacy_console.receipt(v_entry);`,
  {
    declare:
      '  v_staff bigint; v_plan privacy_console.retention_plan; v_part privacy_console.retention_partition; v_line privacy_console.retention_line; v_periods text[]; v_cutoffs timestamptz[]; v_due bigint; v_passed bigint; v_says text; v_entry bigint;',
  },
)}
${definer(
  'record_partition(p_plan bigint, p_table text)',
  'jsonb',
  `  -- That its owner has run the statement: believed only once the catalogue knows the table no more.
  perform privacy_console.only_write();
  v_staff := privacy_console.caller(array['operator']);
  select o.* into v_part from privacy_console.retention_partition o where o.plan = p_plan and format('%I.%I', o.schema_name, o.table_name) = p_table order by o.line limit 1 for update;
  if v_part.plan is null then
    raise exception 'That plan has no such partition.' using errcode = 'PC005';
  end if;
  v_says := case
    when v_part.recorded_at is not null then 'This was recorded already.'
    when v_part.shown_at is null then 'The statement is shown on the record first.'
    when exists (select from pg_inherits i where i.inhrelid = v_part.relation) then 'The partition is still part of its table; have its owner run the statement first.'
    when exists (select from pg_class c where c.oid = v_part.relation) or to_regclass(p_table) is not null
      then 'The table is detached and still there, with all its rows; have its owner drop it.' end;
  if v_says is not null then
    return privacy_console.refused('partition.recorded', null, null, 'refused', v_says);
  end if;
  v_entry := privacy_console.append('partition.recorded', null, null, 'done', v_part.entry, json_build_object('plan', p_plan, 'table', p_table, 'rows', v_part.rows)::text);
  update privacy_console.retention_partition o set recorded_by = v_staff, recorded_at = clock_timestamp()
    where o.plan = p_plan and o.line = v_part.line and o.relation = v_part.relation;
  return jsonb_build_object('ok', true) || privacy_console.receipt(v_entry);`,
  { declare: '  v_staff bigint; v_part privacy_console.retention_partition; v_says text; v_entry bigint;' },
)}
${definer(
  'retention_plans(p_plan bigint, p_awaiting boolean default false)',
  'setof jsonb',
  `  perform privacy_console.caller(${everyone});
  if pg_current_xact_id_if_assigned() is not null then
    raise exception 'This transaction has already written; commit it before reading plans.' using errcode = 'PC003';
  end if;
  return query select jsonb_build_object('id', p.id, 'state', p.state, 'madeAt', p.made_at, 'madeBy', s.login, 'mine', s.login_oid = privacy_console.my_oid(),
      'sha256', coalesce(p.sha256, ''), 'mapHash', p.map_hash,
      'floorDays', p.floor_days, 'byPartition', p.by_partition, 'standing', p.standing, 'isOld', privacy_console.refuse_old_rules(p),
      'lines', (select coalesce(jsonb_agg(jsonb_build_object('line', l.line, 'kind', l.kind, 'collection', l.collection, 'rule', l.rule, 'title', l.title, 'overwrites', l.overwrites,
          'planned', l.planned, 'kept', l.kept, 'referred', l.referred,
          'periods', (select coalesce(jsonb_agg(jsonb_build_object('period', d.period, 'days', d.days, 'keptDays', d.kept_days, 'cutoff', d.cutoff, 'planned', d.planned, 'floored', d.floored)
            order by d.days, d.period), '[]') from privacy_console.retention_period d where d.plan = l.plan and d.line = l.line),
          'partitions', (select coalesce(jsonb_agg(jsonb_build_object('table', format('%I.%I', o.schema_name, o.table_name), 'before', o.before, 'rows', o.rows, 'shownAt', o.shown_at,
            'recordedAt', o.recorded_at, 'recordedBy', b.login) order by o.before, o.relation), '[]')
            from privacy_console.retention_partition o left join privacy_console.staff b on b.id = o.recorded_by where o.plan = l.plan and o.line = l.line)) order by l.line), '[]')
        from privacy_console.retention_line l where l.plan = p.id),
      'approvals', (select coalesce(jsonb_agg(jsonb_build_object('by', b.login, 'at', a.at, 'decision', a.decision, 'expiresAt', a.expires_at) order by a.id), '[]')
        from privacy_console.retention_approval a join privacy_console.staff b on b.id = a.staff where a.plan = p.id),
      'run', (select jsonb_build_object('id', r.id, 'by', b.login, 'state', r.state, 'startedAt', r.started_at, 'finishedAt', r.finished_at,
          'steps', (select coalesce(jsonb_agg(jsonb_build_object('line', t.line, 'done', t.done, 'left', t.remaining) order by t.line), '[]')
            from privacy_console.retention_step t where t.run = r.id))
        from privacy_console.retention_run r join privacy_console.staff b on b.id = r.staff where r.plan = p.id))
    from privacy_console.retention_plan p join privacy_console.staff s on s.id = p.staff
    where (p_plan is null or p.id = p_plan) and (not p_awaiting or p.state = 'awaiting') order by p.id desc limit 100;`,
)}
${definer(
  'retention_rules()',
  'jsonb',
  `  -- The rules, the laws that ask for longer, and the standing approvals.
  perform privacy_console.caller(${everyone});
  return jsonb_build_object(
    'rules', (select coalesce(jsonb_agg(jsonb_build_object('collection', r.collection, 'rule', r.rule, 'title', r.title, 'from', r.from_column, 'days', r.days, 'period', r.period,
      'years', r.years, 'ground', r.ground, 'overwrites', r.overwrites) order by r.rank, r.place), '[]') from (
        select 1 as rank, e.place, e.collection, e.rule, e.title, e.from_column, e.days, e.period, null::int as years, null::text as ground, e.overwrites from privacy_console.expiry_rule e
        union all select 2, k.place, k.collection, '$' || k.kind, k.title, k.from_column, null, null, k.years, k.ground, k.overwrites from privacy_console.kept_rule k) r),
    'floorDays', privacy_console.floor_days(),
    'floors', (select jsonb_agg(jsonb_build_object('jurisdiction', f.jurisdiction, 'ground', f.ground, 'days', f.days, 'inForce', f.in_force, 'setBy', s.login, 'setAt', f.set_at)
      order by f.jurisdiction) from privacy_console.retention_floor f left join privacy_console.staff s on s.id = f.set_by),
    'standings', (select coalesce(jsonb_agg(jsonb_build_object('id', a.id, 'askedBy', s.login, 'askedAt', a.asked_at, 'reason', a.reason, 'rowsPerRun', a.rows_per_run, 'rowsPerRule', a.rows_per_rule,
        'validUntil', a.valid_until, 'sha256', a.sha256, 'decidedBy', d.login, 'decidedAt', a.decided_at, 'revokedBy', v.login, 'revokedAt', a.revoked_at,
        'state', case when a.state = 'approved' and (privacy_console.standing_in_force(a.id)).id is null then 'void' else a.state end) order by a.id desc), '[]')
      from (select x.* from privacy_console.standing_approval x order by x.id desc limit 50) a join privacy_console.staff s on s.id = a.staff
        left join privacy_console.staff d on d.id = a.decided_by left join privacy_console.staff v on v.id = a.revoked_by));`,
)}
${definer(
  'media_ages()',
  'setof jsonb',
  `  -- Of files nothing but how many and how old: whether they stay is for counsel to decide.
  perform privacy_console.caller(${everyone});
  perform privacy_console.refuse_where_unsafe();
  return query select jsonb_build_object('collection', o.collection, 'sentWith', o.sent_with, 'fate', o.fate, 'age', o.age, 'objects', o.objects, 'bytes', o.bytes)
    from privacy_console.object_ages() o order by o.collection, o.fate, o.age;`,
)}
`;

import { definer, step } from '../pins.ts';

/**
 * What a deletion looks for once everything has gone: the person's identifiers,
 * frozen with the plan, in every mapped table. What is found again keeps the
 * request open until another person has said why it stays. Run as the trail's
 * owner; the looking itself is generated from the data map (`look_again`).
 */
export const lookingAgain = `
-- Which collections a run has looked at since it was begun or resumed.
create table privacy_console.run_look (
  run bigint not null references privacy_console.run,
  collection text not null,
  at timestamptz not null default clock_timestamp(),
  primary key (run, collection)
);

-- Where the person was found again: counts alone, never what was found.
create table privacy_console.run_find (
  run bigint not null references privacy_console.run,
  collection text not null,
  column_name text not null,
  -- That nothing says why they stay.
  rows bigint not null,
  -- That stay on purpose: the plan keeps them or hands them over, or somebody else decides about them.
  kept bigint not null,
  -- Who decides, where somebody else does.
  ground text,
  judged_rows bigint,
  judged_by bigint references privacy_console.staff,
  judged_at timestamptz,
  because text,
  entry bigint,
  primary key (run, collection, column_name)
);

${step(
  'identifier(p_form text, p_value text)',
  'text',
  `  -- As it is compared: an address in small letters; of a number the last ten digits, for it is written with its
  -- country's code or without; a name with single spaces. Null for what is too short to tell anybody.
  return case p_form
    when 'email' then case when length(trim(p_value)) >= 5 and position('@' in p_value) > 0 then lower(trim(p_value)) end
    when 'phone' then (select case when length(d.digits) >= 7 then right(d.digits, 10) end
      from (select ltrim(translate(p_value, translate(p_value, '0123456789', ''), ''), '0')) d(digits))
    when 'name' then (select case when length(n.name) >= 4 then n.name end
      from (select trim(regexp_replace(p_value, '[[:space:]]+', ' ', 'g'))) n(name))
    end;`,
)}
${step(
  'patterns_of(p_form text, p_values text[])',
  'setof text',
  `  -- A name's words may have a line's end between them, which a document writes as an escape.
  return query select case p_form
      when 'phone' then regexp_replace(v.value, '(.)(?=.)', '\\1[^[:alnum:]@]{0,2}', 'g')
      else replace(regexp_replace(v.value, '([]^$*+?(){}|.[\\\\])', '\\\\\\1', 'g'), ' ', '(?:[[:space:]]|\\\\[bfnrt])+') end
    from unnest(p_values) v(value);`,
)}
${step(
  'identifier_pattern(p_emails text[], p_phones text[], p_names text[])',
  'text',
  `  -- As it stands in a text: whole, whatever its letters' size, a number with up to two signs between its digits.
  return (select '(?:' || string_agg(x.pattern, '|') || ')' from (
    select '(?<![[:alnum:]._%+-])' || p.pattern || '(?![[:alnum:]-]|[.][[:alnum:]])' from privacy_console.patterns_of('email', p_emails) p(pattern)
    union all select p.pattern || '(?![0-9])' from privacy_console.patterns_of('phone', p_phones) p(pattern)
    union all select '(?<![[:alnum:]])' || p.pattern || '(?![[:alnum:]])' from privacy_console.patterns_of('name', p_names) p(pattern)) x(pattern));`,
)}
${step(
  'loose_pattern(p_emails text[], p_phones text[], p_names text[])',
  'text',
  `  -- The same without a look at what stands beside it, which takes fifteen times as long: what doesn't match this is not there.
  return (select '(?:' || string_agg(x.pattern, '|') || ')' from (
    select p.pattern from privacy_console.patterns_of('email', p_emails) p(pattern)
    union all select p.pattern from privacy_console.patterns_of('phone', p_phones) p(pattern)
    union all select p.pattern from privacy_console.patterns_of('name', p_names) p(pattern)) x(pattern));`,
)}
${step(
  'scope_values(p_scope jsonb, p_name text)',
  'text[]',
  `  return array(select v.value from jsonb_array_elements_text(coalesce(p_scope -> p_name, '[]')) v(value));`,
)}
${definer(
  'freeze_identifiers(p_kind text, p_key text, p_scope jsonb, p_carried jsonb)',
  'jsonb',
  `  -- What an unfinished deletion of the person knew goes on being looked for: the rows that told it may have gone.
  return (select coalesce(jsonb_object_agg(y.name, y.keys), '{}') from (
    select '/' || x.form || 's' as name, jsonb_agg(distinct x.value order by x.value) as keys from (
      select i.form, privacy_console.identifier(i.form, i.value) from privacy_console.identifiers_of(p_kind, p_key, p_scope) i
      union select f.form, v.value from unnest(array['email', 'phone', 'name']) f(form)
        cross join lateral jsonb_array_elements_text(coalesce(p_carried -> ('/' || f.form || 's'), '[]')) v(value)) x(form, value)
    where x.value is not null group by x.form) y);`,
)}
${definer(
  'to_look_at(p_run bigint)',
  'setof text',
  `  perform privacy_console.caller(array['operator']);
  return query select distinct m.collection from privacy_console.mapped_column m
    where not exists (select from privacy_console.run_look l where l.run = p_run and l.collection = m.collection) order by 1;`,
)}
${step(
  'looking_for(p_run bigint)',
  'privacy_console.plan',
  `  -- The plan whose person is looked for, locked; refuses who doesn't run it, and before all has gone.
  v_plan := privacy_console.running_plan(p_run);
  if not exists (select from privacy_console.entry e join privacy_console.run r on r.plan = v_plan.id
      where e.request = v_plan.request and e.number >= r.entry and e.actor = session_user::text
        and e.action in ('erasure.begun', 'erasure.resumed') and e.outcome <> 'refused') then
    raise exception 'Resume this deletion yourself first; what it looks for is the person''s.' using errcode = 'PC005';
  end if;
  if exists (select from privacy_console.run_step t join privacy_console.plan_line l on l.plan = v_plan.id and l.step = t.step
      where t.run = p_run and l.action <> 'objects' and t.finished_at is null) then
    raise exception 'What the plan removes goes first; then is looked again.' using errcode = 'PC006';
  end if;
  return v_plan;`,
  { declare: '  v_plan privacy_console.plan;' },
)}
${step(
  'looking_plan(p_run bigint)',
  'privacy_console.plan',
  `  perform privacy_console.only_write();
  -- Two consoles at one run look one after the other.
  perform 1 from privacy_console.run r where r.id = p_run for update;
  return privacy_console.looking_for(p_run);`,
)}
${step(
  'look_one(p_run bigint, p_plan privacy_console.plan, p_collection text)',
  'void',
  `  select s.key, s.kind into v_key, v_kind from privacy_console.subject s where s.reference = p_plan.subject;
  select coalesce(jsonb_object_agg(d.collection, d.keys), '{}') into v_handed_over from (
    select o.collection, jsonb_agg(o.row_key) as keys from privacy_console.plan_decision o
      where o.plan = p_plan.id and o.chosen in ('hand_over', 'anonymise') group by o.collection) d;
  v_emails := privacy_console.scope_values(p_plan.scope, '/emails');
  v_phones := privacy_console.scope_values(p_plan.scope, '/phones');
  v_names := privacy_console.scope_values(p_plan.scope, '/names');
  insert into privacy_console.run_look (run, collection) values (p_run, p_collection)
    on conflict (run, collection) do update set at = excluded.at;
  update privacy_console.run_find f set rows = 0, kept = 0 where f.run = p_run and f.collection = p_collection;
  insert into privacy_console.run_find (run, collection, column_name, rows, kept, ground)
    select p_run, p_collection, x.column_name, x.hits - x.kept, x.kept, x.ground
      from privacy_console.look_again(v_kind, p_collection, v_key, p_plan.scope, v_handed_over, v_emails, v_phones,
        array[privacy_console.loose_pattern(v_emails, v_phones, '{}'), privacy_console.identifier_pattern(v_emails, v_phones, '{}')],
        array[privacy_console.loose_pattern(v_emails, v_phones, v_names), privacy_console.identifier_pattern(v_emails, v_phones, v_names)]) x
    on conflict (run, collection, column_name) do update set rows = excluded.rows, kept = excluded.kept, ground = excluded.ground;
  delete from privacy_console.run_find f where f.run = p_run and f.collection = p_collection and f.rows = 0 and f.kept = 0;
  -- What was said of fewer rows was not said of these.
  update privacy_console.run_find f set judged_rows = null, judged_by = null, judged_at = null, because = null, entry = null
    where f.run = p_run and f.collection = p_collection and f.rows > f.judged_rows;`,
  {
    declare:
      '  v_key text; v_kind text; v_handed_over jsonb; v_emails text[]; v_phones text[]; v_names text[];',
  },
)}
${definer(
  'look_at(p_run bigint, p_collection text)',
  'jsonb',
  `  -- Tells nothing: what was found is read with the plan, once this is committed.
  v_plan := privacy_console.looking_plan(p_run);
  if not exists (select from privacy_console.mapped_column m where m.collection = p_collection) then
    raise exception 'The map has no such collection.' using errcode = 'PC005';
  end if;
  perform privacy_console.look_one(p_run, v_plan, p_collection);
  return jsonb_build_object('ok', true);`,
  { declare: '  v_plan privacy_console.plan;' },
)}
${step(
  'identifiers_looked_for(p_runs bigint[])',
  'table (emails text[], phones text[], names text[])',
  `  return query select coalesce(array_agg(distinct x.value) filter (where f.form = 'email'), '{}'), coalesce(array_agg(distinct x.value) filter (where f.form = 'phone'), '{}'),
      coalesce(array_agg(distinct x.value) filter (where f.form = 'name'), '{}')
    from privacy_console.run r join privacy_console.plan p on p.id = r.plan cross join unnest(array['email', 'phone', 'name']) f(form)
      cross join lateral unnest(privacy_console.scope_values(p.scope, '/' || f.form || 's')) x(value)
    where r.id = any (p_runs);`,
)}
${step(
  'unlike(p_values text[])',
  'text[]',
  `  -- Whose letters have no other size than they show, so that only an expression finds them.
  return array(select v.value from unnest(p_values) v(value) where v.value !~ '^[ -~]*$');`,
)}
${step(
  'likes_of(p_values text[])',
  'text[]',
  `  -- All others as patterns for what is written in small letters: found with them a tenth as long as with one expression for all.
  return array(select '%' || replace(replace(replace(replace(lower(v.value), '\\', '\\\\'), '%', '\\%'), '_', '\\_'), ' ', '%') || '%'
    from unnest(p_values) v(value) where v.value ~ '^[ -~]*$');`,
)}
${step(
  'look_among(p_runs bigint[], p_collection text)',
  'void',
  `  -- One pass for all of them, and one more for each who could have been found; too much to go through is looked for in halves.
  select x.emails, x.phones, x.names into v_emails, v_phones, v_names from privacy_console.identifiers_looked_for(p_runs) x;
  select coalesce(array_agg(f.value) filter (where f.form in ('email', 'phone')), '{}'), coalesce(array_agg(f.value) filter (where f.form not in ('email', 'phone')), '{}')
    into v_values, v_texts from privacy_console.look_for_many(p_collection, v_emails, v_phones,
      privacy_console.likes_of(v_emails), privacy_console.loose_pattern(privacy_console.unlike(v_emails), v_phones, '{}'),
      privacy_console.likes_of(v_emails || v_names), privacy_console.loose_pattern(privacy_console.unlike(v_emails), v_phones, privacy_console.unlike(v_names)), 1000) f;
  if cardinality(v_values) + cardinality(v_texts) = 1000 and cardinality(p_runs) > 1 then
    perform privacy_console.look_among(p_runs[:cardinality(p_runs) / 2], p_collection);
    perform privacy_console.look_among(p_runs[cardinality(p_runs) / 2 + 1:], p_collection);
    return;
  end if;
  foreach v_run in array p_runs loop
    select p.* into v_plan from privacy_console.run r join privacy_console.plan p on p.id = r.plan where r.id = v_run;
    v_emails := privacy_console.scope_values(v_plan.scope, '/emails');
    v_phones := privacy_console.scope_values(v_plan.scope, '/phones');
    if v_values && (v_emails || v_phones) or (cardinality(v_texts) > 0 and exists (
        select from (select privacy_console.loose_pattern(v_emails, v_phones, privacy_console.scope_values(v_plan.scope, '/names'))) l(pattern)
          join unnest(v_texts) t(text) on t.text ~* l.pattern)) then
      perform privacy_console.look_one(v_run, v_plan, p_collection);
    else
      v_none := v_none || v_run;
    end if;
  end loop;
  insert into privacy_console.run_look (run, collection) select x.run, p_collection from unnest(v_none) x(run)
    on conflict (run, collection) do update set at = excluded.at;
  delete from privacy_console.run_find f where f.run = any (v_none) and f.collection = p_collection;`,
  {
    declare:
      "  v_run bigint; v_plan privacy_console.plan; v_emails text[]; v_phones text[]; v_names text[]; v_values text[]; v_texts text[]; v_none bigint[] := '{}';",
  },
)}
${definer(
  'to_look_at_all(p_runs bigint[])',
  'table (name text, rows float8)',
  `  -- What one of them at least has not looked at, with how much is in it as the database estimates.
  perform privacy_console.caller(array['operator']);
  return query select m.collection, greatest(0, max((select sum(greatest(c.reltuples, 0)) from pg_partition_tree(t.relation) p join pg_class c on c.oid = p.relid where p.isleaf)))::float8
    from privacy_console.mapped_column m join privacy_console.mapped_table t on t.schema_name = m.schema_name and t.table_name = m.table_name
    where exists (select from unnest(p_runs) r(run) where not exists (select from privacy_console.run_look l where l.run = r.run and l.collection = m.collection))
    group by m.collection order by 2, 1;`,
)}
${definer(
  'look_at_all(p_runs bigint[], p_collections text[])',
  'jsonb',
  `  -- As look_at, of many people who are erased together.
  perform privacy_console.only_write();
  if coalesce(cardinality(p_runs), 0) not between 1 and 100 or exists (select from unnest(p_collections) c(name)
      where not exists (select from privacy_console.mapped_column m where m.collection = c.name)) then
    raise exception 'Name collections of the map, and 1 to 100 runs.' using errcode = 'PC004';
  end if;
  foreach v_run in array p_runs loop
    perform privacy_console.looking_for(v_run);
  end loop;
  foreach v_collection in array p_collections loop
    perform privacy_console.look_among(p_runs, v_collection);
  end loop;
  return jsonb_build_object('ok', true);`,
  { declare: '  v_run bigint; v_collection text;' },
)}
${step(
  'look_key_among(p_run bigint, p_plan privacy_console.plan, p_keys text[], p_first boolean, p_last boolean)',
  'boolean',
  `  -- Once for each entry that begins or resumes: asked on and on with names of one's own, it would tell what the person is told by.
  if exists (select from privacy_console.run_look l where l.run = p_run and l.collection = 'objects') then
    return true;
  end if;
  if p_first then
    insert into privacy_console.run_find (run, collection, column_name, rows, kept) values (p_run, 'objects', 'key', 0, 0)
      on conflict (run, collection, column_name) do update set rows = 0;
  end if;
  -- An address wherever it stands, since a name joins it to others by any sign; also as it stands in a web address.
  v_emails := privacy_console.loose_pattern(privacy_console.scope_values(p_plan.scope, '/emails'), '{}', '{}');
  v_others := privacy_console.identifier_pattern('{}', privacy_console.scope_values(p_plan.scope, '/phones'), privacy_console.scope_values(p_plan.scope, '/names'));
  update privacy_console.run_find f set rows = f.rows + (select count(*) from unnest(p_keys) k(key)
      where coalesce(replace(k.key, '%40', '@') ~* v_emails, false) or coalesce(k.key ~* v_others, false))
    where f.run = p_run and f.collection = 'objects' and f.column_name = 'key';
  if not found then
    raise exception 'The bucket is looked through from its beginning.' using errcode = 'PC005';
  end if;
  if p_last then
    insert into privacy_console.run_look (run, collection) values (p_run, 'objects');
    delete from privacy_console.run_find f where f.run = p_run and f.collection = 'objects' and f.rows = 0;
    update privacy_console.run_find f set judged_rows = null, judged_by = null, judged_at = null, because = null, entry = null
      where f.run = p_run and f.collection = 'objects' and f.rows > f.judged_rows;
  end if;
  return p_last;`,
  { declare: '  v_emails text; v_others text;' },
)}
${definer(
  'look_at_keys(p_run bigint, p_keys text[], p_first boolean, p_last boolean)',
  'jsonb',
  `  -- Names of objects anywhere in the bucket, as they are listed; they are compared and kept nowhere.
  v_plan := privacy_console.looking_plan(p_run);
  return jsonb_build_object('ok', true, 'looked', privacy_console.look_key_among(p_run, v_plan, p_keys, p_first, p_last));`,
  { declare: '  v_plan privacy_console.plan;' },
)}
${definer(
  'look_at_keys_all(p_runs bigint[], p_keys text[], p_first boolean, p_last boolean)',
  'jsonb',
  `  -- As look_at_keys, of many people: names that hold nothing of any of them are left out first.
  perform privacy_console.only_write();
  if coalesce(cardinality(p_runs), 0) not between 1 and 100 then
    raise exception 'Name 1 to 100 runs.' using errcode = 'PC004';
  end if;
  select x.emails, x.phones, x.names into v_emails, v_phones, v_names from privacy_console.identifiers_looked_for(p_runs) x;
  v_likes := privacy_console.likes_of(v_emails || v_names);
  v_rest := privacy_console.loose_pattern(privacy_console.unlike(v_emails), v_phones, privacy_console.unlike(v_names));
  v_keys := array(select k.key from unnest(p_keys) with ordinality k(key, place)
    where lower(replace(k.key, '%40', '@')) like any (v_likes) or replace(k.key, '%40', '@') ~* v_rest order by k.place);
  foreach v_run in array p_runs loop
    perform privacy_console.look_key_among(v_run, privacy_console.looking_for(v_run), v_keys, p_first, p_last);
  end loop;
  return jsonb_build_object('ok', true);`,
  {
    declare:
      '  v_run bigint; v_emails text[]; v_phones text[]; v_names text[]; v_likes text[]; v_rest text; v_keys text[];',
  },
)}
${definer(
  'judge_find(p_plan bigint, p_collection text, p_column text, p_because text)',
  'jsonb',
  `  perform privacy_console.only_write();
  v_staff := privacy_console.caller(array['operator', 'approver']);
  if p_because is null or length(trim(p_because)) < 3 or length(p_because) > 300 then
    raise exception 'Say why it stays, in 3 to 300 characters.' using errcode = 'PC004';
  end if;
  perform 1 from privacy_console.run r where r.plan = p_plan for update;
  select p.* into v_plan from privacy_console.plan p where p.id = p_plan and p.state = 'running' for update;
  select f.* into v_find from privacy_console.run_find f join privacy_console.run r on r.id = f.run
    where r.plan = v_plan.id and f.collection = p_collection and f.column_name = p_column and f.rows > 0 and f.judged_at is null for update of f;
  if v_find.run is null then
    raise exception 'Nothing like that was found again and waits to be judged.' using errcode = 'PC005';
  end if;
  if not privacy_console.holds_role('approver') then
    return privacy_console.refused('find.judged', v_plan.subject, v_plan.request, 'not_permitted', 'Only an approver can say that something found again stays.');
  elsif privacy_console.person_of(v_staff) = privacy_console.person_of(v_plan.staff)
    or exists (select from privacy_console.entry e join privacy_console.staff s on s.login = e.actor
      where e.request = v_plan.request and e.number >= v_plan.entry and e.action in ('erasure.begun', 'erasure.resumed')
        and privacy_console.person_of(s.id) = privacy_console.person_of(v_staff)) then
    return privacy_console.refused('find.judged', v_plan.subject, v_plan.request, 'not_permitted', 'Who planned or ran a deletion can''t judge what it found again; another person has to.');
  elsif p_because ~* privacy_console.identifier_pattern(privacy_console.scope_values(v_plan.scope, '/emails'),
      privacy_console.scope_values(v_plan.scope, '/phones'), privacy_console.scope_values(v_plan.scope, '/names')) then
    -- It stands on the certificate, which holds nothing of whom it is about.
    return privacy_console.refused('find.judged', v_plan.subject, v_plan.request, 'refused', 'The reason names the person; write it without.');
  end if;
  v_entry := privacy_console.append('find.judged', v_plan.subject, v_plan.request, 'done', (select r.entry from privacy_console.run r where r.plan = p_plan),
    json_build_object('run', v_find.run, 'collection', p_collection, 'column', p_column, 'rows', v_find.rows, 'because', trim(p_because))::text);
  update privacy_console.run_find f set judged_rows = f.rows, judged_by = v_staff, judged_at = clock_timestamp(), because = trim(p_because), entry = v_entry
    where f.run = v_find.run and f.collection = p_collection and f.column_name = p_column;
  return jsonb_build_object('ok', true) || privacy_console.receipt(v_entry);`,
  {
    declare:
      '  v_staff bigint; v_plan privacy_console.plan; v_find privacy_console.run_find; v_entry bigint;',
  },
)}
${step(
  'unlooked(p_run bigint)',
  'bigint',
  `  return (select count(distinct m.collection) from privacy_console.mapped_column m
      where not exists (select from privacy_console.run_look l where l.run = p_run and l.collection = m.collection))
    -- The bucket, where the plan knows of one.
    + (select count(*) from privacy_console.run r join privacy_console.plan_line l on l.plan = r.plan and l.action = 'objects'
      where r.id = p_run and not exists (select from privacy_console.run_look k where k.run = p_run and k.collection = 'objects'));`,
)}
${step(
  'open_finds(p_run bigint)',
  'bigint',
  `  return (select count(*) from privacy_console.run_find f where f.run = p_run and f.rows > 0 and f.judged_at is null);`,
)}
${step(
  'finds_of(p_run bigint)',
  'json',
  `  return (select coalesce(json_agg(json_build_object('collection', f.collection, 'column', f.column_name, 'rows', f.rows, 'kept', f.kept, 'ground', f.ground,
      'because', f.because, 'by', s.login, 'at', to_char(f.judged_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), 'entry', f.entry) order by f.collection, f.column_name), '[]')
    from privacy_console.run_find f left join privacy_console.staff s on s.id = f.judged_by where f.run = p_run
      -- Nothing of the bucket before all of it was looked through.
      and (f.collection <> 'objects' or exists (select from privacy_console.run_look l where l.run = p_run and l.collection = 'objects')));`,
)}
${step(
  'outcomes_of(p_run bigint)',
  'json',
  `  -- What came of each kind of data of the person: one line for each outcome, failures included, never fewer.
  return (select coalesce(json_agg(json_build_object('collection', x.collection, 'outcome', x.outcome, 'rows', x.rows, 'because', x.because,
        'until', to_char(x.until at time zone 'UTC', 'YYYY-MM-DD')) order by x.collection, x.outcome, x.because), '[]') from (
    with line as (
      select l.collection, l.action, l.planned, l.because, l.until, t.done, t.remaining
        from privacy_console.run r join privacy_console.plan_line l on l.plan = r.plan
          left join privacy_console.run_step t on t.run = r.id and t.step = l.step
        where r.id = p_run and l.action <> 'quiesce'),
    found as (
      select l.collection, case when l.action in ('anonymise', 'detach') then 'anonymised' else 'erased' end, l.done, null::text, null::timestamptz
        from line l where l.action not in ('keep', 'hand_over') and l.done > 0
      union all select l.collection, 'kept', case l.action when 'keep' then l.planned else l.done end, l.because, l.until
        from line l where l.action in ('keep', 'hand_over') and case l.action when 'keep' then l.planned else l.done end > 0
      union all select l.collection, 'failed', l.remaining, null, null from line l where l.remaining > 0
      union all select f.collection, 'kept', sum(f.kept), coalesce(f.ground, 'Hangs on what was handed over or left to its members'), null from privacy_console.run_find f
        where f.run = p_run and f.kept > 0 and (f.ground is not null or not exists (select from line l where l.collection = f.collection and l.action in ('keep', 'hand_over')))
        group by f.collection, f.ground
      union all select f.collection, case when f.judged_at is null then 'failed' else 'kept' end, f.rows, f.because, null from privacy_console.run_find f
        where f.run = p_run and f.rows > 0)
    select f.* from found f (collection, outcome, rows, because, until)
    union all
    select c.collection, 'not_found', 0, null, null from (
        select distinct l.collection from line l
        union select k.collection from privacy_console.kind_collection k join privacy_console.subject u on u.kind = k.kind
          join privacy_console.plan p on p.subject = u.reference join privacy_console.run r on r.plan = p.id
          where r.id = p_run and not exists (select from privacy_console.data_map d cross join lateral jsonb_array_elements(d.described -> 'collections') e(held)
            where d.current and e.held ->> 'name' = k.collection and e.held ->> 'erasure' = 'none')) c
      where not exists (select from found f (collection, outcome, rows, because, until) where f.collection = c.collection)) x);`,
)}
${definer(
  'what_remains()',
  'json',
  `  -- What the database itself says of what it can't forget at once, as of now.
  v_minutes := privacy_console.longest_transaction();
  return (select json_build_object(
      'at', to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
      'autovacuum', current_setting('autovacuum') = 'on',
      'backupDays', privacy_console.setting_of('backup_days'),
      'backupsUntil', to_char((clock_timestamp() + make_interval(days => privacy_console.setting_of('backup_days'))) at time zone 'UTC', 'YYYY-MM-DD'),
      'deadRows', sum(s.n_dead_tup),
      'oldestSnapshot', to_char((clock_timestamp() - make_interval(secs => v_minutes::float8 * 60)) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
      'uncleaned', count(*) filter (where s.n_dead_tup > 0),
      'walArchived', current_setting('archive_mode') <> 'off',
      'walMegabytes', (select max(g.setting::bigint * case g.unit when 'MB' then 1 else 0 end) from pg_settings g where g.name in ('max_wal_size', 'wal_keep_size')))
    from privacy_console.mapped_table m cross join lateral pg_partition_tree(m.relation) t
      join pg_stat_all_tables s on s.relid = t.relid where t.isleaf);`,
  { declare: '  v_minutes numeric;' },
)}
`;

import { definer, step } from '../pins.ts';

/** What a check of the bucket needs: the names that rows give to objects, of everybody, on the record; run as the trail's owner. */
export const checking = `
create table privacy_console.bucket_check (
  id bigint generated always as identity primary key,
  staff bigint not null references privacy_console.staff,
  login_oid oid not null,
  intended_xact xid8 not null,
  intended_at timestamptz not null,
  finished_at timestamptz,
  outcome text check (outcome in ('done', 'failed')),
  -- Beginnings of keys that no row accounts for: a word, or a hash where it could be anything.
  unknown text[] not null default '{}',
  entry bigint not null references privacy_console.entry
);

-- The catalogue as it was when it was last found to be covered by the map installed then.
create table privacy_console.checked_catalogue (
  one boolean primary key default true check (one),
  hash text not null,
  installed_at timestamptz not null,
  checked_at timestamptz not null
);

${definer(
  'catalogue_hash()',
  'text',
  `  -- Everything of the platform's definitions that a check of the map depends on; the same as long as nothing of it changes.
  return (
    with relation as materialized (
      select c.oid, c.relkind, c.relname, n.nspname, c.relispartition, c.relrowsecurity
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where c.relkind in ('r', 'p', 'f') and c.relpersistence <> 't'
          and n.nspname not like 'pg\\_%' and n.nspname not in ('information_schema', 'privacy_console'))
    select encode(sha256(convert_to(coalesce(string_agg(f.fact, chr(10) order by f.fact collate "C"), ''), 'UTF8')), 'hex') from (
      select json_build_array('relation', r.oid::bigint, r.relkind, r.nspname, r.relname, r.relispartition, r.relrowsecurity)::text as fact from relation r
      union all
      select json_build_array('column', r.oid::bigint, a.attnum, a.attname, tn.nspname, t.typname, a.atttypmod, a.attislocal, a.attinhcount)::text
        from relation r join pg_attribute a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
        join pg_type t on t.oid = a.atttypid join pg_namespace tn on tn.oid = t.typnamespace where not r.relispartition
      union all
      select json_build_array('key', k.conrelid::bigint, k.confrelid::bigint, k.contype, k.conkey, k.confkey, k.confdeltype)::text
        from relation r join pg_constraint k on k.conrelid = r.oid and k.contype in ('p', 'u', 'f')
      union all
      select json_build_array('part', h.inhrelid::bigint, h.inhparent::bigint)::text from relation r join pg_inherits h on h.inhrelid = r.oid
      union all
      select json_build_array('trigger', t.tgrelid::bigint, t.tgname, t.tgtype, t.tgenabled, p.oid::bigint, md5(p.prosrc))::text
        from relation r join pg_trigger t on t.tgrelid = r.oid and not t.tgisinternal join pg_proc p on p.oid = t.tgfoid
      union all
      select json_build_array('rule', w.ev_class::bigint, w.rulename, w.ev_type, w.ev_enabled)::text from relation r join pg_rewrite w on w.ev_class = r.oid
      union all
      select json_build_array('extension', d.objid::bigint)::text
        from relation r join pg_depend d on d.classid = 'pg_class'::regclass and d.objid = r.oid and d.deptype = 'e') f);`,
)}
${definer(
  'refuse_where_unmapped()',
  'void',
  `  v_hash := privacy_console.catalogue_hash();
  -- What the bucket holds is no part of the catalogue, and looked at each time.
  if exists (select from privacy_console.checked_catalogue k join privacy_console.data_map d on d.current and d.installed_at = k.installed_at where k.hash = v_hash)
      and not exists (select from privacy_console.map_gaps() g where g.what = 'unknown prefix') then
    return;
  end if;
  select string_agg(g.what || ' ' || g.detail, ', ') into v_gaps from (select * from privacy_console.map_gaps() limit 5) g;
  if v_gaps is not null then
    raise exception 'The data map does not cover the database (%); map it or rule it out, install again, then retry.', v_gaps using errcode = 'PC010';
  end if;
  insert into privacy_console.checked_catalogue (hash, installed_at, checked_at)
    select v_hash, d.installed_at, clock_timestamp() from privacy_console.data_map d where d.current
    on conflict (one) do update set hash = excluded.hash, installed_at = excluded.installed_at, checked_at = excluded.checked_at;`,
  { declare: '  v_hash text; v_gaps text;' },
)}
${step(
  'refuse_bucket_check()',
  'void',
  `  -- An administrator owns the platform's tables as a rule; what would hide rows is refused to anybody.
  if not privacy_console.holds_role('admin') then
    perform privacy_console.refuse_where_unsafe();
    perform privacy_console.refuse_bypass();
  elsif exists (select from privacy_console.mapped_table m where row_security_active(m.relation)) then
    raise exception 'Row-level security would hide rows from the console; let an administrator settle that first.' using errcode = 'PC008';
  end if;`,
)}
${definer(
  'begin_bucket_check()',
  'jsonb',
  `  perform privacy_console.only_write();
  v_staff := privacy_console.caller(array['auditor', 'admin']);
  perform privacy_console.refuse_bucket_check();
  v_entry := privacy_console.append('bucket.checked', null, null, 'intent', null, null);
  insert into privacy_console.bucket_check (staff, login_oid, intended_xact, intended_at, entry)
    values (v_staff, privacy_console.my_oid(), pg_current_xact_id(), clock_timestamp(), v_entry) returning id into v_id;
  return jsonb_build_object('ok', true, 'check', v_id) || privacy_console.receipt(v_entry);`,
  { declare: '  v_staff bigint; v_entry bigint; v_id bigint;' },
)}
${definer(
  'bucket_checking(p_check bigint)',
  'void',
  `  perform privacy_console.caller(array['auditor', 'admin']);
  perform privacy_console.refuse_bucket_check();
  if not exists (select from privacy_console.bucket_check b
      where b.id = p_check and b.login_oid = privacy_console.my_oid() and b.finished_at is null
        and b.intended_at > clock_timestamp() - interval '5 minutes'
        and b.intended_xact is distinct from pg_current_xact_id_if_assigned()) then
    raise exception 'This check of the bucket was not announced, has ended, or is older than five minutes; check again.' using errcode = 'PC001';
  end if;`,
)}
${definer(
  'end_bucket_check(p_check bigint, p_outcome text, p_unknown text[], p_detail text)',
  'jsonb',
  `  perform privacy_console.only_write();
  perform privacy_console.caller(array['auditor', 'admin']);
  -- Keys hold names of people: only a plain word or a hash is kept of one.
  if p_outcome not in ('done', 'failed') or p_unknown is null or cardinality(p_unknown) > 200
      or exists (select from unnest(p_unknown) u(name) where u.name is null or u.name !~ '^r2:([a-z][a-z_-]{0,39}/|#[0-9a-f]{12})$') then
    raise exception 'Say how the check ended, and name prefixes by a word or a hash.' using errcode = 'PC004';
  end if;
  update privacy_console.bucket_check b set finished_at = clock_timestamp(), outcome = p_outcome, unknown = p_unknown
    where b.id = p_check and b.login_oid = privacy_console.my_oid() and b.finished_at is null returning b.entry into v_intent;
  if v_intent is null then
    raise exception 'No check of yours with that number is running.' using errcode = 'PC005';
  end if;
  return jsonb_build_object('ok', true) || privacy_console.receipt(
    privacy_console.append('bucket.checked', null, null, p_outcome, v_intent, left(p_detail, 2000)));`,
  { declare: '  v_intent bigint;' },
)}
`;

import { definer, step } from '../pins.ts';
import { stale } from './0001Trail.ts';

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

-- What consoles saw keys begin with before an export, a plan or a run: plain words alone.
create table privacy_console.bucket_beginning (
  name text primary key check (name ~ '^r2:[a-z][a-z_-]{0,39}/$'),
  -- Some row names an object under it.
  named boolean not null,
  -- The entry by which it was told that none does.
  entry bigint references privacy_console.entry,
  check (named or entry is not null)
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
-- An export that two people let go in spite of what the map doesn't cover; never a deletion.
create table privacy_console.release (
  id bigint generated always as identity primary key,
  request bigint not null references privacy_console.request,
  staff bigint not null references privacy_console.staff,
  asked_at timestamptz not null default clock_timestamp(),
  -- Each gap there was, in order; another one, or one less, is not released.
  gaps text[] not null,
  catalogue text not null,
  map_hash text not null,
  state text not null default 'asked' check (state in ('asked', 'approved', 'denied')),
  decided_by bigint references privacy_console.staff,
  decided_at timestamptz,
  expires_at timestamptz,
  entry bigint not null references privacy_console.entry
);
create index release_request on privacy_console.release (request);

${step(
  'current_gaps()',
  'text[]',
  `  return array(select distinct (g.what || ' ' || g.detail) collate "C" from privacy_console.map_gaps() g order by 1);`,
)}
${definer(
  'ask_release(p_request bigint, p_gaps text[], p_reason text)',
  'jsonb',
  `  perform privacy_console.only_write();
  v_staff := privacy_console.caller(array['operator']);
  perform privacy_console.refuse_where_unsafe();
  perform privacy_console.refuse_bypass();
  if p_reason is null or length(trim(p_reason)) < 3 or length(p_reason) > 2000 then
    raise exception 'Say why the export can''t wait for the map.' using errcode = 'PC004';
  end if;
  select r.kind, r.state, r.subject into v_kind, v_state, v_subject from privacy_console.request r where r.id = p_request;
  if v_kind is null then
    raise exception 'There is no request %.', p_request using errcode = 'PC005';
  end if;
  if v_state = 'closed' or v_kind not in ('access', 'export') or v_subject is null then
    return privacy_console.refused('release.asked', v_subject, p_request, 'refused',
      'Only an export can be released, under an open access or export request that names its person; a deletion waits for the map.');
  end if;
  v_gaps := privacy_console.current_gaps();
  if v_gaps = '{}' then
    raise exception 'The data map covers the database; export without a release.' using errcode = 'PC006';
  end if;
  if array(select distinct g collate "C" from unnest(p_gaps) g order by 1) is distinct from v_gaps then
    return privacy_console.refused('release.asked', v_subject, p_request, 'conflict', 'A release names each gap there is, and no other; read them with “console map check”, and ask again.');
  end if;
  -- What the map names and the database lacks can't be read, so an export would be wrong rather than short.
  if exists (select from unnest(v_gaps) g where g !~ '^(unmapped table|unmapped column|unknown prefix) ') then
    return privacy_console.refused('release.asked', v_subject, p_request, 'refused', 'Something the map names is gone or has another type; the map has to be corrected and installed first.');
  end if;
  v_entry := privacy_console.append('release.asked', v_subject, p_request, 'done', null,
    json_build_object('gaps', v_gaps, 'reason', trim(p_reason))::text);
  insert into privacy_console.release (request, staff, gaps, catalogue, map_hash, entry)
    select p_request, v_staff, v_gaps, privacy_console.catalogue_hash(), d.hash, v_entry from privacy_console.data_map d where d.current
    returning id into v_id;
  return jsonb_build_object('ok', true, 'release', v_id) || privacy_console.receipt(v_entry);`,
  {
    declare:
      '  v_staff bigint; v_kind text; v_state text; v_subject text; v_gaps text[]; v_entry bigint; v_id bigint;',
  },
)}
${definer(
  'decide_release(p_release bigint, p_decision text, p_reason text)',
  'jsonb',
  `  perform privacy_console.only_write();
  v_staff := privacy_console.caller(array['operator', 'approver']);
  v_action := case p_decision when 'approve' then 'release.approved' when 'deny' then 'release.denied' end;
  if v_action is null or p_reason is null or length(trim(p_reason)) < 3 then
    raise exception 'Say approve or deny, and why.' using errcode = 'PC004';
  end if;
  select x.* into v_release from privacy_console.release x where x.id = p_release for update;
  if v_release.id is null then
    raise exception 'There is no release %.', p_release using errcode = 'PC005';
  end if;
  select r.subject into v_subject from privacy_console.request r where r.id = v_release.request;
  if not privacy_console.holds_role('approver') then
    return privacy_console.refused(v_action, v_subject, v_release.request, 'not_permitted', 'Only an approver can decide about a release.');
  elsif privacy_console.person_of(v_staff) = privacy_console.person_of(v_release.staff) then
    return privacy_console.refused(v_action, v_subject, v_release.request, 'not_permitted', 'Nobody decides about a release of their own; another person has to.');
  elsif p_decision = 'approve' and not privacy_console.has_just_authenticated() then
    return privacy_console.refused(v_action, v_subject, v_release.request, ${stale});
  elsif v_release.state <> 'asked' then
    return privacy_console.refused(v_action, v_subject, v_release.request, 'conflict', 'This release has been decided already.');
  elsif p_decision = 'approve' and (v_release.gaps is distinct from privacy_console.current_gaps()
      or v_release.catalogue <> privacy_console.catalogue_hash() or v_release.map_hash <> (select d.hash from privacy_console.data_map d where d.current)) then
    return privacy_console.refused(v_action, v_subject, v_release.request, 'conflict', 'The database or the map has changed since this was asked; it has to be asked anew.');
  end if;
  update privacy_console.release x set state = case p_decision when 'approve' then 'approved' else 'denied' end, decided_by = v_staff,
      decided_at = clock_timestamp(), expires_at = clock_timestamp() + make_interval(mins => privacy_console.setting_of('approval_minutes'))
    where x.id = p_release;
  return jsonb_build_object('ok', true) || privacy_console.receipt(privacy_console.append(v_action, v_subject, v_release.request, 'done', v_release.entry,
    json_build_object('release', p_release, 'gaps', v_release.gaps, 'reason', trim(p_reason))::text));`,
  { declare: '  v_staff bigint; v_release privacy_console.release; v_subject text; v_action text;' },
)}
${definer(
  'releases(p_request bigint)',
  'table (id bigint, request bigint, gaps text[], reason text, asked_by text, asked_at timestamptz, state text, decided_by text, decided_at timestamptz, expires_at timestamptz)',
  `  perform privacy_console.caller(array['viewer', 'operator', 'approver', 'auditor', 'admin']);
  return query select x.id, x.request, x.gaps,
      case when privacy_console.holds_role('operator') or privacy_console.holds_role('approver')
        then (select d.text::json ->> 'reason' from privacy_console.detail d where d.entry = x.entry) end,
      a.login, x.asked_at, case when x.state = 'approved' and x.expires_at <= clock_timestamp() then 'expired' else x.state end, b.login, x.decided_at, x.expires_at
    from privacy_console.release x join privacy_console.staff a on a.id = x.staff left join privacy_console.staff b on b.id = x.decided_by
    where p_request is null or x.request = p_request order by x.id desc limit 200;`,
)}
${step(
  'release_for(p_request bigint, p_gaps text[])',
  'privacy_console.release',
  `  -- Of exactly these gaps, in exactly this catalogue, by two people of whom neither has left and the second isn't the one who exports.
  select x.* into v_release from privacy_console.release x
    join privacy_console.staff a on a.id = x.staff join privacy_console.staff b on b.id = x.decided_by
    where x.request = p_request and x.state = 'approved' and x.expires_at > clock_timestamp() and x.gaps = p_gaps
      and x.catalogue = privacy_console.catalogue_hash() and x.map_hash = (select d.hash from privacy_console.data_map d where d.current)
      and a.active and 'operator' = any (a.roles) and b.active and 'approver' = any (b.roles)
      and privacy_console.person_of(b.id) <> privacy_console.person_of(a.id)
      and privacy_console.person_of(b.id) <> privacy_console.person_of(privacy_console.caller(array['operator']))
    order by x.id desc limit 1;
  return v_release;`,
  { declare: '  v_release privacy_console.release;' },
)}
${definer(
  'refuse_where_unmapped(p_request bigint)',
  'bigint',
  `  v_hash := privacy_console.catalogue_hash();
  -- What the bucket holds is no part of the catalogue, and looked at each time.
  if exists (select from privacy_console.checked_catalogue k join privacy_console.data_map d on d.current and d.installed_at = k.installed_at where k.hash = v_hash)
      and not exists (select from privacy_console.unknown_prefixes()) then
    return null;
  end if;
  v_gaps := privacy_console.current_gaps();
  if v_gaps <> '{}' then
    -- Only an export names its request here.
    if p_request is not null then
      v_release := privacy_console.release_for(p_request, v_gaps);
      if v_release.id is not null then
        return v_release.id;
      end if;
    end if;
    raise exception 'The data map does not cover the database (%); map it or rule it out, install again, then retry.%',
      array_to_string(v_gaps[1:5], ', ') || case when cardinality(v_gaps) > 5 then format(' and %s more', cardinality(v_gaps) - 5) else '' end,
      case when exists (select from unnest(v_gaps) g where g like 'unknown prefix %')
        then ' Objects of an unknown prefix may be deleted instead; then an auditor or an administrator checks the bucket again.' else '' end using errcode = 'PC010';
  end if;
  insert into privacy_console.checked_catalogue (hash, installed_at, checked_at)
    select v_hash, d.installed_at, clock_timestamp() from privacy_console.data_map d where d.current
    on conflict (one) do update set hash = excluded.hash, installed_at = excluded.installed_at, checked_at = excluded.checked_at;
  return null;`,
  { declare: '  v_hash text; v_gaps text[]; v_release privacy_console.release;' },
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
  -- All that was told before this check began has been looked at by it.
  delete from privacy_console.bucket_beginning b where p_outcome = 'done' and coalesce(b.entry, 0) < v_intent;
  return jsonb_build_object('ok', true) || privacy_console.receipt(
    privacy_console.append('bucket.checked', null, null, p_outcome, v_intent, left(p_detail, 2000)));`,
  { declare: '  v_intent bigint;' },
)}
${definer(
  'tell_beginnings(p_names text[])',
  'jsonb',
  `  -- What a console saw keys begin with. Nothing told here can take back what was told before: that takes a check of the whole bucket.
  perform privacy_console.only_write();
  perform privacy_console.caller(array['operator']);
  perform privacy_console.refuse_where_unsafe();
  perform privacy_console.refuse_bypass();
  if p_names is null or cardinality(p_names) > 10000
      or exists (select from unnest(p_names) u(name) where u.name is null or u.name !~ '^r2:[a-z][a-z_-]{0,39}/$') then
    raise exception 'Name prefixes by their first word.' using errcode = 'PC004';
  end if;
  v_open := array(select distinct u.name from unnest(p_names) u(name)
    where not exists (select from privacy_console.bucket_beginning b where b.name = u.name and b.named)
      and not exists (select from privacy_console.ignored_table i where i.schema_name = '' and i.table_name = u.name) order by 1);
  if v_open = '{}' then
    return jsonb_build_object('ok', true);
  end if;
  insert into privacy_console.bucket_beginning (name, named) select n, true from privacy_console.bucket_named(v_open) n
    on conflict (name) do update set named = true;
  v_new := array(select u.name from unnest(v_open) u(name) where not exists (select from privacy_console.bucket_beginning b where b.name = u.name));
  if v_new = '{}' then
    return jsonb_build_object('ok', true);
  end if;
  v_entry := privacy_console.append('bucket.unknown', null, null, 'done', null, json_build_object('beginnings', v_new)::text);
  insert into privacy_console.bucket_beginning (name, named, entry) select u.name, false, v_entry from unnest(v_new) u(name);
  return jsonb_build_object('ok', true) || privacy_console.receipt(v_entry);`,
  { declare: '  v_open text[]; v_new text[]; v_entry bigint;' },
)}
`;

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

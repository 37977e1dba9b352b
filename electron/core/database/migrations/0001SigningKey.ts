import { definer } from '../pins.ts';

/**
 * Which keys sign packages, and whose they are; run as the trail's owner. The
 * database can't verify a signature, so a key belongs to who registers it
 * first; it names it itself, is never deleted, and never comes back once retired.
 */
export const signingKeys = `
create table privacy_console.signing_key (
  id bigint generated always as identity primary key,
  staff bigint not null references privacy_console.staff,
  public_key bytea not null unique check (length(public_key) = 32),
  -- As ssh-keygen -l shows it: the hash of the key as SSH writes it.
  fingerprint text not null unique generated always as ('SHA256:' || rtrim(encode(sha256(
    '\\x0000000b7373682d6564323535313900000020'::bytea || public_key), 'base64'), '=')) stored,
  workstation text not null,
  registered_at timestamptz not null default clock_timestamp(),
  entry bigint not null references privacy_console.entry,
  retired_at timestamptz,
  retired_by bigint references privacy_console.staff,
  -- The entry whose detail says why.
  retirement bigint references privacy_console.entry,
  check (num_nulls(retired_at, retired_by, retirement) in (0, 3))
);
create index signing_key_staff on privacy_console.signing_key (staff);

${definer(
  'use_signing_key(p_public_key bytea)',
  'jsonb',
  `  -- Asked before an export: registers a key that is new, for who asks.
  perform privacy_console.only_write();
  v_staff := privacy_console.caller(array['operator']);
  if length(p_public_key) is distinct from 32 then
    raise exception 'An Ed25519 key has 32 bytes.' using errcode = 'PC004';
  end if;
  select k.* into v_key from privacy_console.signing_key k where k.public_key = p_public_key;
  if v_key.id is null then
    v_entry := privacy_console.append('key.registered', null, null, 'done', null, json_build_object('key', encode(p_public_key, 'hex'))::text);
    insert into privacy_console.signing_key (staff, public_key, workstation, entry)
      select v_staff, p_public_key, e.workstation, v_entry from privacy_console.entry e where e.number = v_entry
      on conflict do nothing;
    if found then
      return jsonb_build_object('ok', true, 'retired', false) || privacy_console.receipt(v_entry);
    end if;
    raise exception 'This key has just been registered by somebody else; start the export again.' using errcode = 'PC006';
  end if;
  if v_key.staff <> v_staff then
    return privacy_console.refused('key.registered', null, null, 'not_permitted',
      'This signing key is registered for somebody else; each member of staff signs with a key of their own.');
  end if;
  return jsonb_build_object('ok', true, 'retired', v_key.retired_at is not null);`,
  { declare: '  v_staff bigint; v_key privacy_console.signing_key; v_entry bigint;' },
)}
${definer(
  'retire_signing_key(p_key bigint, p_reason text)',
  'jsonb',
  `  perform privacy_console.only_write();
  v_staff := privacy_console.caller(array['operator', 'approver']);
  if p_reason is null or length(trim(p_reason)) < 3 or length(p_reason) > 2000 then
    raise exception 'Say why the key is retired.' using errcode = 'PC004';
  end if;
  select k.* into v_key from privacy_console.signing_key k where k.id = p_key for update;
  if v_key.id is null then
    raise exception 'There is no signing key %.', p_key using errcode = 'PC005';
  end if;
  if v_key.staff <> v_staff and not privacy_console.holds_role('approver') then
    return privacy_console.refused('key.retired', null, null, 'not_permitted',
      'Only whose key it is, or an approver, can retire it.');
  end if;
  if v_key.retired_at is not null then
    raise exception 'Signing key % is retired already.', p_key using errcode = 'PC006';
  end if;
  v_entry := privacy_console.append('key.retired', null, null, 'done', v_key.entry,
    json_build_object('fingerprint', v_key.fingerprint, 'reason', trim(p_reason))::text);
  update privacy_console.signing_key k set retired_at = clock_timestamp(), retired_by = v_staff, retirement = v_entry where k.id = p_key;
  return jsonb_build_object('ok', true) || privacy_console.receipt(v_entry);`,
  { declare: '  v_staff bigint; v_key privacy_console.signing_key; v_entry bigint;' },
)}
${definer(
  'signing_keys()',
  'table (id bigint, login text, person text, mine boolean, public_key text, fingerprint text, workstation text, registered_at timestamptz, packages bigint, retired_at timestamptz, retired_by text, reason text)',
  `  v_staff := privacy_console.caller(array['viewer', 'operator', 'approver', 'auditor', 'admin']);
  return query select k.id, s.login, s.person, k.staff = v_staff, encode(k.public_key, 'hex'), k.fingerprint, k.workstation, k.registered_at,
      (select count(*) from privacy_console.export x where x.signer = k.id),
      k.retired_at, r.login, (select d.text::json ->> 'reason' from privacy_console.detail d where d.entry = k.retirement)
    from privacy_console.signing_key k join privacy_console.staff s on s.id = k.staff left join privacy_console.staff r on r.id = k.retired_by
    order by k.retired_at is not null, k.id desc;`,
  { declare: '  v_staff bigint;' },
)}
`;

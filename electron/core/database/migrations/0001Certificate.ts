import { definer } from '../pins.ts';

/**
 * Who signed which certificate of deletion; run as the trail's owner. The database can't verify a
 * signature: it knows whose key it is, and every console checks before it shows one.
 */
export const certificates = `
create table privacy_console.certificate_signature (
  plan bigint not null references privacy_console.certificate,
  signer bigint not null references privacy_console.signing_key,
  raw bytea not null check (length(raw) = 64),
  ssh text not null check (length(ssh) < 2000),
  entry bigint not null references privacy_console.entry,
  primary key (plan, signer)
);

${definer(
  'sign_certificate(p_plan bigint, p_sha256 text, p_signer text, p_raw text, p_ssh text)',
  'jsonb',
  `  -- Who has read exactly this text signs it, with a key of their own; also a second person, and never the same one twice.
  perform privacy_console.only_write();
  v_staff := privacy_console.caller(array['operator']);
  select c.* into v_certificate from privacy_console.certificate c where c.plan = p_plan for update;
  if v_certificate.plan is null then
    raise exception 'There is no certificate; the deletion has not ended.' using errcode = 'PC005';
  end if;
  select p.* into v_plan from privacy_console.plan p where p.id = p_plan;
  if v_certificate.sha256 is distinct from p_sha256 then
    return privacy_console.refused('certificate.signed', v_plan.subject, v_plan.request, 'conflict', 'This is not the certificate you have read; read it again.');
  end if;
  select k.id into v_key from privacy_console.signing_key k where k.fingerprint = p_signer and k.staff = v_staff and k.retired_at is null for share;
  if v_key is null then
    return privacy_console.refused('certificate.signed', v_plan.subject, v_plan.request, 'not_permitted', 'Only a key of your own that is not retired signs for you.');
  end if;
  if exists (select from privacy_console.certificate_signature s join privacy_console.signing_key k on k.id = s.signer where s.plan = p_plan and k.staff = v_staff) then
    raise exception 'You have signed this certificate already.' using errcode = 'PC006';
  end if;
  if p_raw is null or p_raw !~ '^[A-Za-z0-9+/]{86}==$' or p_ssh is null or length(p_ssh) > 2000 or p_ssh !~ '^-----BEGIN SSH SIGNATURE-----[A-Za-z0-9+/=[:space:]]+-----END SSH SIGNATURE-----[[:space:]]*$' then
    raise exception 'This is no Ed25519 signature.' using errcode = 'PC004';
  end if;
  v_entry := privacy_console.append('certificate.signed', v_plan.subject, v_plan.request, 'done', v_certificate.entry,
    json_build_object('plan', p_plan, 'certificate', p_sha256, 'signer', p_signer)::text);
  insert into privacy_console.certificate_signature (plan, signer, raw, ssh, entry)
    values (p_plan, v_key, decode(p_raw, 'base64'), p_ssh, v_entry);
  return jsonb_build_object('ok', true) || privacy_console.receipt(v_entry);`,
  {
    declare:
      '  v_staff bigint; v_certificate privacy_console.certificate; v_plan privacy_console.plan; v_key bigint; v_entry bigint;',
  },
)}
${definer(
  'certificate_signatures(p_plan bigint)',
  'table (public_key text, raw text, ssh text, login text, person text, at timestamptz, retired boolean)',
  `  perform privacy_console.caller(array['viewer', 'operator', 'approver', 'auditor', 'admin']);
  return query select encode(k.public_key, 'hex'), encode(s.raw, 'base64'), s.ssh, b.login, b.person, e.at, k.retired_at is not null
    from privacy_console.certificate_signature s join privacy_console.signing_key k on k.id = s.signer
      join privacy_console.staff b on b.id = k.staff join privacy_console.entry e on e.number = s.entry
    where s.plan = p_plan order by s.entry;`,
)}
`;

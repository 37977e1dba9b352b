import { definer } from '../pins.ts';

/** The reaper's one function; run as the reaper, who is a member of the staff logins and nothing else. */
export const reaper = definer(
  'reap()',
  'int',
  `  -- Ends sessions of staff who hold the trail's latch while idle, and of logins that have lost their rights.
  select count(*) filter (where pg_terminate_backend(a.pid)) into v_ended
    from pg_stat_activity a
    join privacy_console.staff_logins() s on s.login_oid = a.usesysid
    where a.datname = current_database() and a.pid <> pg_backend_pid()
      and (not s.active
        or (exists (select from pg_locks l join pg_class c on c.oid = l.relation join pg_namespace n on n.oid = c.relnamespace
              where l.pid = a.pid and n.nspname = 'privacy_console' and c.relname = 'latch' and l.mode = 'RowShareLock')
            and ((a.state like 'idle in transaction%' and a.state_change < clock_timestamp() - interval '5 seconds')
              -- Busy with something else while others wait; who waits in the queue itself is not to blame.
              or (a.wait_event_type is distinct from 'Lock' and exists (select from pg_locks w
                where not w.granted and w.waitstart < clock_timestamp() - interval '3 seconds' and a.pid = any (pg_blocking_pids(w.pid)))))));
  return v_ended;`,
  { declare: '  v_ended int;' },
);

/** When the caller's session began, which the server shows to members of its login only; run as the reaper. */
export const sessionBegan = definer(
  'session_began()',
  'timestamptz',
  `  return (select a.backend_start from pg_stat_activity a where a.pid = pg_backend_pid());`,
);

/** For how many minutes others have held back the cleaning of this database, as far as the reaper sees; run as the reaper. */
export const longestTransaction = definer(
  'longest_transaction()',
  'numeric',
  `  return (select max(extract(epoch from clock_timestamp() - a.xact_start)) / 60 from pg_stat_activity a
    where a.backend_xmin is not null and a.pid <> pg_backend_pid() and a.datname = current_database());`,
);

/** What the reaper may know; run as the trail's owner. */
export const staffLogins = definer(
  'staff_logins()',
  'table (login_oid oid, active boolean)',
  `  return query select s.login_oid, s.active from privacy_console.staff s;`,
);

const everyone = 'privacy_viewer, privacy_operator, privacy_approver, privacy_auditor, privacy_admin';

/** Who may call which function; nothing is left to PUBLIC. Run as the trail's owner. */
const executable: readonly (readonly [string, readonly string[]])[] = [
  [
    everyone,
    [
      'sign_in',
      'staff_list',
      'staff_changes',
      'current_map',
      'map_changes',
      'map_texts',
      'installed_map',
      'map_gaps',
      'requests',
      'trail_head',
      'trail_links',
      'list_entries',
      'list_exports',
      'plans',
      'deletions_held',
      'holds',
      'corrections',
      'restrictions',
      'read_certificate',
      'certificate_signatures',
      'releases',
      'redactions',
      'custody_of',
      'copy_days',
      'signing_keys',
      'restores',
      'ledger_state',
      'replays',
      'retention_plans',
      'retention_rules',
      'media_ages',
      'batches',
      'batch_items',
      'batch_report',
      'closed_counts',
    ],
  ],
  [
    'privacy_viewer, privacy_operator',
    ['open_access', 'close_access', 'show_access', 'intend_search', 'intend_reveal'],
  ],
  [
    'privacy_operator',
    [
      'act',
      'intend_correction',
      'preview_correction',
      'run_correction',
      'undo_correction',
      'open_request',
      'assign_request',
      'link_request',
      'close_request',
      'ask_release',
      'tell_beginnings',
      'use_signing_key',
      'sign_certificate',
      'begin_export',
      'end_export',
      'resume_export',
      'export_lives',
      'export_story',
      'write_reviewed',
      'export_redactions',
      'redact',
      'withdraw_redaction',
      'record_shredding',
      'draft_plan',
      'fill_plan',
      'plan_prefixes',
      'seal_plan',
      'begin_run',
      'erase_batch',
      'erase_person',
      'reopen_run',
      'intend_objects',
      'intend_uploads',
      'uploads_ended',
      'announced_objects',
      'objects_deleted',
      'found_objects',
      'fail_plan',
      'stop_run',
      'wait_run',
      'do_task',
      'to_look_at',
      'look_at',
      'to_look_at_all',
      'look_at_all',
      'look_at_keys_all',
      'look_at_keys',
      'end_run',
      'begin_ledger',
      'ledger_lines',
      'end_ledger',
      'knows_ledger',
      'begin_replay',
      'replay_lines',
      'replay_batch',
      'open_replayed',
      'end_replay',
      'draft_retention',
      'fill_retention',
      'seal_retention',
      'begin_retention',
      'retention_batch',
      'recount_retention',
      'end_retention',
      'show_partition',
      'record_partition',
      'begin_batch',
      'match_batch',
      'take_turn',
      'keep_turn',
      'draft_items',
      'fill_items',
      'seal_items',
      'seal_batch',
      'begin_items',
      'end_batch',
      'do_batch_task',
      'intend_closed',
      'closed_accounts',
    ],
  ],
  [
    'privacy_operator, privacy_approver',
    [
      'decide_plan',
      'decide_batch',
      'call_off_batch',
      'cancel_run',
      'judge_find',
      'decide_release',
      'retire_signing_key',
      'record_custody',
      'look_at_correction',
      'read_correction',
      'decide_correction',
      'decide_retention',
      'stop_retention',
    ],
  ],
  ['privacy_auditor, privacy_approver', ['seek_erased', 'erased_found', 'decide_restore']],
  [
    'privacy_operator, privacy_approver, privacy_admin',
    ['abandon_export', 'place_hold', 'review_hold', 'propose_lift', 'decide_lift'],
  ],
  [
    'privacy_operator, privacy_approver',
    ['restrict_processing', 'state_exception', 'tell_of_lifting', 'lift_restriction'],
  ],
  ['privacy_operator, privacy_admin', ['ask_standing']],
  ['privacy_operator, privacy_approver, privacy_admin', ['decide_standing', 'set_floor']],
  [
    'privacy_auditor, privacy_approver, privacy_admin',
    ['trail_entries', 'open_intents', 'begin_trail_work', 'end_trail_work'],
  ],
  ['privacy_auditor, privacy_admin', ['begin_bucket_check', 'end_bucket_check']],
  ['privacy_auditor', ['intend_detail', 'read_detail']],
  [
    'privacy_admin',
    [
      'register_staff',
      'unregister_staff',
      'propose_map',
      'pause_deletions',
      'continue_deletions',
      'declare_restore',
    ],
  ],
  ['privacy_admin, privacy_approver', ['decide_map', 'decide_staff']],
  [
    'privacy_console_reader',
    [
      'subject_of',
      'holds_in_force',
      'export_scope',
      'bucket_checking',
      'my_open_subjects',
      'searching',
      'search_done',
      'references_of',
      'revealing',
      'reveal_shown',
    ],
  ],
  ['privacy_console_writer', ['replacement_for']],
  ['privacy_console_reaper', ['staff_logins']],
];

export const trailRights = `
revoke all on all functions in schema privacy_console from public;
${executable.map(([who, names]) => `grant execute on function ${names.map((name) => `privacy_console.${name}`).join(', ')} to ${who};`).join('\n')}
`;

export const reaperRights = `
revoke all on function privacy_console.reap, privacy_console.session_began, privacy_console.longest_transaction from public;
grant execute on function privacy_console.reap to ${everyone}, privacy_console_trail;
grant execute on function privacy_console.session_began, privacy_console.longest_transaction to privacy_console_trail;
`;

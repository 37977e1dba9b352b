import dayjs from 'dayjs';
import timezone from 'dayjs/plugin/timezone.js';
import utc from 'dayjs/plugin/utc.js';
import { useSyncExternalStore } from 'react';
import { en } from '#shared/strings/en.ts';

dayjs.extend(utc);
dayjs.extend(timezone);

const zoneKey = 'privacy-console.zone';
/** Where the platform's staff sit, unless they choose otherwise. */
export const defaultZone = 'Asia/Kolkata';

function storedZone(): string {
  try {
    return window.localStorage.getItem(zoneKey) ?? defaultZone;
  } catch {
    return defaultZone;
  }
}

let zone = typeof window === 'undefined' ? defaultZone : storedZone();
const zoneListeners = new Set<() => void>();

/** Sets the zone that times are shown in, for this workstation. */
export function setZone(next: string): void {
  zone = next;
  try {
    window.localStorage.setItem(zoneKey, next);
  } catch {
    // A store that refuses (a full disk) costs the setting, not the screen.
  }
  for (const listener of zoneListeners) listener();
}

/** The zone that times are shown in. */
export function useZone(): string {
  return useSyncExternalStore(
    (listener) => {
      zoneListeners.add(listener);
      return () => zoneListeners.delete(listener);
    },
    () => zone,
  );
}

const zoneNames = new Map<string, string>();

/** The short name of a zone, e.g. `IST`. */
export function zoneName(name: string, at: Date): string {
  const known = zoneNames.get(name);
  if (known !== undefined && name === defaultZone) return known;
  const part = new Intl.DateTimeFormat('en-IN', { timeZone: name, timeZoneName: 'short' })
    .formatToParts(at)
    .find((candidate) => candidate.type === 'timeZoneName');
  const found = part?.value ?? name;
  zoneNames.set(name, found);
  return found;
}

/** `22 Nov 2026, 14:05 IST`; a text that is no time is given back as it is. */
export function formatTime(iso: string, inZone: string = zone): string {
  const at = dayjs(iso);
  return at.isValid() ? `${at.tz(inZone).format('D MMM YYYY, HH:mm')} ${zoneName(inZone, at.toDate())}` : iso;
}

/** ISO 8601 of what somebody typed as a local time in a zone (`2026-11-22T14:05:00`); null when it is none. */
export function instantOf(typed: string, inZone: string): string | null {
  if (!dayjs(typed).isValid()) return null;
  return dayjs.tz(typed, inZone).toISOString();
}

/** `22 Nov 2026, 08:35:07 UTC`, for hovering. */
export function formatUtc(iso: string): string {
  const at = dayjs(iso);
  return at.isValid() ? en.common.utc(at.utc().format('D MMM YYYY, HH:mm:ss')) : iso;
}

/** `22 Nov 2026` from a `yyyy-mm-dd`. */
export function formatDate(date: string): string {
  const day = dayjs.utc(date);
  return day.isValid() ? day.format('D MMM YYYY') : date;
}

/** `under a minute`, `about 5 minutes`, `about 2 hours`. */
export function formatDuration(seconds: number): string {
  if (seconds < 60) return en.common.underAMinute;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? en.common.minutes(minutes) : en.common.hours(Math.round(minutes / 60));
}

/** `23:59:08` until something begins. */
export function formatWait(seconds: number): string {
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return parts.map((part) => String(part).padStart(2, '0')).join(':');
}

/** Today in the zone, `yyyy-mm-dd`. */
export function today(inZone: string = zone): string {
  return dayjs().tz(inZone).format('YYYY-MM-DD');
}

/** The moment a day begins in the zone, `days` later, as an ISO time. */
export function startOfDay(date: string, days = 0, inZone: string = zone): string {
  return dayjs.tz(date, inZone).add(days, 'day').toISOString();
}

const numberFormat = new Intl.NumberFormat('en-IN', { maximumFractionDigits: 3 });

/** `12,34,567`. */
export function formatNumber(value: number): string {
  return numberFormat.format(value);
}

const units = ['bytes', 'kB', 'MB', 'GB', 'TB'] as const;

/** `16.2 MB`, in steps of a thousand. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let step = 0;
  while (value >= 1000 && step < units.length - 1) {
    value /= 1000;
    step += 1;
  }
  const rounded = step === 0 ? value : Math.round(value * 10) / 10;
  return `${formatNumber(rounded)} ${units[step] ?? ''}`;
}

/** `+91 70000 12345` from `+917000012345`; anything else (masked, foreign) as it is. */
export function formatPhone(phone: string): string {
  const indian = /^\+91([0-9]{5})([0-9]{5})$/.exec(phone);
  return indian ? `+91 ${indian[1] ?? ''} ${indian[2] ?? ''}` : phone;
}

/** `14:32` until a time, or `0:00` when it has passed. */
export function formatCountdown(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  return `${String(Math.floor(seconds / 60))}:${String(seconds % 60).padStart(2, '0')}`;
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Whether a text is a UUID, which nobody should have to read. */
export function isUuid(text: string): boolean {
  return uuid.test(text);
}

/** `2f3c…9a01`: enough of a long identifier or hash to compare by eye. */
export function shorten(text: string, head = 4, tail = 4): string {
  return text.length <= head + tail + 1 ? text : `${text.slice(0, head)}…${text.slice(-tail)}`;
}

/** How a held value of a column's kind reads; `null` is left to the caller. */
export function formatCell(kind: string, value: string): string {
  switch (kind) {
    case 'time':
      return formatTime(value);
    case 'date':
      return formatDate(value);
    case 'integer':
    case 'number': {
      const parsed = Number(value);
      // Beyond 2^53 a number would lose digits; then the text itself is right.
      return value !== '' && Number.isFinite(parsed) && Math.abs(parsed) <= Number.MAX_SAFE_INTEGER
        ? formatNumber(parsed)
        : value;
    }
    case 'boolean':
      return value === 'true' || value === 't'
        ? en.common.yes
        : value === 'false' || value === 'f'
          ? en.common.no
          : value;
    default:
      return formatPhone(value);
  }
}

/** The key of a row, which comes as a JSON array of texts. */
export function keyText(rowKey: string): string {
  return (JSON.parse(rowKey) as readonly unknown[]).map(String).join(', ');
}

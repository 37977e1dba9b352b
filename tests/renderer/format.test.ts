import { describe, expect, it } from 'vitest';
import {
  formatBytes,
  formatCell,
  formatCountdown,
  formatDate,
  formatNumber,
  formatPhone,
  formatTime,
  formatUtc,
  isUuid,
  shorten,
  startOfDay,
} from '../../renderer/src/components/format.ts';

describe('what people read', () => {
  it('writes a time in the zone, with its name, and UTC for hovering', () => {
    expect(formatTime('2026-11-22T08:35:07.123Z', 'Asia/Kolkata')).toBe('22 Nov 2026, 14:05 IST');
    expect(formatTime('2026-11-22T20:35:00+00:00', 'Asia/Kolkata')).toBe('23 Nov 2026, 02:05 IST');
    expect(formatTime('2026-11-22T08:35:07Z', 'UTC')).toBe('22 Nov 2026, 08:35 UTC');
    expect(formatUtc('2026-11-22T08:35:07.123Z')).toBe('22 Nov 2026, 08:35:07 UTC');
  });

  it('gives back what is no time or day', () => {
    expect(formatTime('soon', 'UTC')).toBe('soon');
    expect(formatDate('••••')).toBe('••••');
  });

  it('groups digits as in India', () => {
    expect(formatNumber(1_234_567)).toBe('12,34,567');
    expect(formatBytes(16_234_567)).toBe('16.2 MB');
    expect(formatBytes(999)).toBe('999 bytes');
  });

  it('spaces an Indian phone number and leaves others and masks alone', () => {
    expect(formatPhone('+917000012345')).toBe('+91 70000 12345');
    expect(formatPhone('+14155550123')).toBe('+14155550123');
    expect(formatPhone('+91 ••••• ••345')).toBe('+91 ••••• ••345');
  });

  it('counts down without going below zero', () => {
    expect(formatCountdown(872_400)).toBe('14:32');
    expect(formatCountdown(-5)).toBe('0:00');
  });

  it('writes cells by kind, and never loses digits', () => {
    expect(formatCell('date', '2026-11-22')).toBe('22 Nov 2026');
    expect(formatCell('integer', '1234567')).toBe('12,34,567');
    expect(formatCell('integer', '9007199254740993')).toBe('9007199254740993');
    expect(formatCell('boolean', 'true')).toBe('Yes');
    expect(formatCell('text', '=HYPERLINK("x")')).toBe('=HYPERLINK("x")');
    expect(formatCell('text', '<img onerror=alert(1)>')).toBe('<img onerror=alert(1)>');
  });

  it('knows and shortens what nobody should have to read', () => {
    expect(isUuid('7f3ac21b-0d1e-4f6a-8a10-00000000c21b')).toBe(true);
    expect(isUuid('S-0123456789AB')).toBe(false);
    expect(shorten('7f3ac21b-0d1e-4f6a-8a10-00000000c21b')).toBe('7f3a…c21b');
    expect(shorten('short')).toBe('short');
  });

  it('begins a day where the zone does', () => {
    expect(startOfDay('2026-11-22', 0, 'Asia/Kolkata')).toBe('2026-11-21T18:30:00.000Z');
    expect(startOfDay('2026-11-22', 1, 'Asia/Kolkata')).toBe('2026-11-22T18:30:00.000Z');
  });
});

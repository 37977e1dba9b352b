import { IconArrowDown, IconArrowUp } from '@tabler/icons-react';
import {
  createSortedRowModel,
  rowSortingFeature,
  tableFeatures,
  useTable,
  type ColumnDef,
} from '@tanstack/react-table';
import { useVirtualizer } from '@tanstack/react-virtual';
import {
  useEffect,
  useId,
  useMemo,
  useRef,
  useState,
  type CSSProperties,
  type KeyboardEvent,
  type ReactNode,
} from 'react';
import { en } from '#shared/strings/en.ts';
import { keysAreTaken } from './keys.ts';
import styles from './DataTable.module.css';

const features = tableFeatures({ rowSortingFeature, sortedRowModel: createSortedRowModel() });

export interface DataColumn<Row> {
  readonly id: string;
  readonly title: string;
  /** A grid track, e.g. `minmax(120px, 1fr)`. */
  readonly width: string;
  readonly end?: boolean;
  readonly cell: (row: Row) => ReactNode;
  /** What the column sorts by; a column without it isn't sortable. */
  readonly sort?: (row: Row) => string | number;
}

export interface DataTableProps<Row> {
  readonly label: string;
  readonly columns: readonly DataColumn<Row>[];
  /** The rows in memory. */
  readonly rows: readonly Row[];
  readonly rowKey: (row: Row) => string;
  /** Index of `rows[0]` in the whole list, when only a part of it is in memory. */
  readonly offset?: number;
  /** Length of the whole list as far as it is known. */
  readonly count?: number;
  /** Whether the whole list is longer than `count`; a grid then says that its length is unknown. */
  readonly openEnded?: boolean;
  /** Told which rows are in view, so that they can be loaded. */
  readonly onRange?: (first: number, last: number) => void;
  readonly onOpen?: (row: Row) => void;
  /** The row the person is at; also by arrow keys. */
  readonly onActive?: (row: Row) => void;
  readonly onSelect?: (row: Row) => void;
  /** Whether left and right mark a cell of the active row. */
  readonly cells?: boolean;
  readonly onMarked?: (columnId: string) => void;
  /** Whether j, k, Enter and x work although the table hasn't the focus. */
  readonly takesKeys?: boolean;
  readonly rowHeight?: number;
  /** Whether the first row is the active one from the beginning. */
  readonly startsActive?: boolean;
  /** Tables of few rows grow with them; others fill their panel and scroll. */
  readonly grows?: boolean;
}

const overscan = 8;

/** Pixels below which a grid track does not shrink; the same for every row, so that columns stay in line. */
function leastWidth(track: string): number {
  return Number(/([0-9]+)px/.exec(track)?.[1] ?? 0);
}

/**
 * A table of any length: only what is in view is in the document. Rows are moved through with
 * arrow keys or j and k, opened with Enter; the active row is announced, not focused, so that
 * scrolling it out of view loses nothing.
 */
export function DataTable<Row extends object>(props: DataTableProps<Row>): ReactNode {
  const { columns, rows, rowKey, offset = 0, rowHeight = 32, onRange, onActive, onOpen, onSelect } = props;
  const count = props.count ?? rows.length;
  const sortable = props.count === undefined;
  const id = useId();
  const scroller = useRef<HTMLDivElement>(null);
  const [active, setActive] = useState<number | null>(null);
  const [marked, setMarked] = useState(0);

  const definitions = useMemo(
    () =>
      columns.map((column): ColumnDef<typeof features, Row> => ({
        id: column.id,
        header: column.title,
        accessorFn: (row) => column.sort?.(row) ?? null,
        enableSorting: sortable && column.sort !== undefined,
      })),
    [columns, sortable],
  );
  const data = useMemo(() => [...rows], [rows]);
  const table = useTable({ features, columns: definitions, data, getRowId: rowKey });
  const sorted = table.getRowModel().rows;
  const headers = table.getHeaderGroups()[0]?.headers ?? [];
  const rowAt = (index: number): Row | undefined => sorted[index - offset]?.original;

  const virtual = useVirtualizer({
    count,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan,
    enabled: !props.grows,
  });
  const items = props.grows
    ? sorted.map((_, index) => ({ index, start: index * rowHeight }))
    : virtual.getVirtualItems();
  const first = items[0]?.index ?? 0;
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => {
    onRange?.(first, last);
  }, [onRange, first, last, count]);

  const starts = props.startsActive === true && active === null ? rowAt(0) : undefined;
  useEffect(() => {
    if (!starts) return;
    setActive(0);
    onActive?.(starts);
  }, [starts, onActive]);

  const height = count * rowHeight;
  const template = columns.map((column) => column.width).join(' ');
  const narrowest = columns.reduce((sum, column) => sum + leastWidth(column.width), 0);

  function moveTo(index: number): void {
    if (count === 0) return;
    const next = Math.max(0, Math.min(count - 1, index));
    setActive(next);
    if (props.grows) {
      scroller.current
        ?.querySelector(`[aria-rowindex="${String(next + 2)}"]`)
        ?.scrollIntoView({ block: 'nearest' });
    } else virtual.scrollToIndex(next, { align: 'auto' });
    const row = rowAt(next);
    if (row) onActive?.(row);
  }

  function mark(index: number): void {
    const next = Math.max(0, Math.min(columns.length - 1, index));
    setMarked(next);
    const column = columns[next];
    if (column) props.onMarked?.(column.id);
  }

  function onKey(
    event: Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'metaKey' | 'altKey' | 'preventDefault'>,
  ): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const at = active ?? -1;
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 320) / rowHeight) - 2);
    const row = active === null ? undefined : rowAt(active);
    if (event.key === 'ArrowDown' || event.key === 'j') moveTo(at + 1);
    else if (event.key === 'ArrowUp' || event.key === 'k') moveTo(at - 1);
    else if (event.key === 'PageDown') moveTo(at + page);
    else if (event.key === 'PageUp') moveTo(at - page);
    else if (event.key === 'Home') moveTo(0);
    else if (event.key === 'End') moveTo(count - 1);
    else if (props.cells && event.key === 'ArrowRight') mark(marked + 1);
    else if (props.cells && event.key === 'ArrowLeft') mark(marked - 1);
    else if (event.key === 'Enter' && row && onOpen) onOpen(row);
    else if (event.key === 'x' && row && onSelect) onSelect(row);
    else return;
    event.preventDefault();
  }

  const keyRef = useRef(onKey);
  useEffect(() => {
    keyRef.current = onKey;
  });
  const takesKeys = props.takesKeys === true;
  useEffect(() => {
    if (!takesKeys) return;
    function listen(event: globalThis.KeyboardEvent): void {
      if (event.defaultPrevented || keysAreTaken(event.target)) return;
      // A button or link that has the focus keeps its own keys.
      if (event.target instanceof Element && event.target.closest('button, a, [role="grid"], [role="tab"]')) {
        if (event.key !== 'j' && event.key !== 'k' && event.key !== 'x') return;
        if (event.target.closest('[role="grid"]')) return;
      }
      if (['Home', 'End', 'PageUp', 'PageDown', 'ArrowLeft', 'ArrowRight'].includes(event.key)) return;
      keyRef.current(event);
    }
    document.addEventListener('keydown', listen);
    return () => {
      document.removeEventListener('keydown', listen);
    };
  }, [takesKeys]);

  return (
    <div
      ref={scroller}
      className={props.grows ? `${styles['grid'] ?? ''} ${styles['auto'] ?? ''}` : styles['grid']}
      role="grid"
      aria-label={props.label}
      aria-rowcount={props.openEnded ? -1 : count + 1}
      aria-colcount={columns.length}
      tabIndex={0}
      {...(active === null || active < first || active > last
        ? {}
        : { 'aria-activedescendant': `${id}-${String(active)}` })}
      style={{ '--columns': template, '--least': `${String(narrowest)}px` } as CSSProperties}
      onKeyDown={(event) => {
        if (event.target !== event.currentTarget && event.key === 'Enter') return;
        onKey(event);
      }}
    >
      <div role="rowgroup" className={styles['headGroup']}>
        <div role="row" aria-rowindex={1} className={styles['header']}>
          {headers.map((header, index) => {
            const column = columns[index];
            if (!column) return null;
            const direction = header.column.getIsSorted();
            return (
              <div
                key={header.id}
                role="columnheader"
                aria-colindex={index + 1}
                aria-sort={direction === 'asc' ? 'ascending' : direction === 'desc' ? 'descending' : 'none'}
                className={`${styles['headerCell'] ?? ''} ${column.end ? (styles['end'] ?? '') : ''}`}
              >
                {header.column.getCanSort() ? (
                  <button
                    type="button"
                    className={styles['sort']}
                    title={en.common.sortBy(column.title)}
                    onClick={header.column.getToggleSortingHandler()}
                  >
                    {column.title}
                    {direction === 'asc' ? <IconArrowUp size={13} aria-hidden /> : null}
                    {direction === 'desc' ? <IconArrowDown size={13} aria-hidden /> : null}
                  </button>
                ) : (
                  column.title
                )}
              </div>
            );
          })}
        </div>
      </div>
      <div role="rowgroup" className={styles['body']} style={{ height }}>
        {items.map((item) => {
          const row = rowAt(item.index);
          const isActive = item.index === active;
          return (
            <div
              key={item.index}
              id={`${id}-${String(item.index)}`}
              role="row"
              aria-rowindex={item.index + 2}
              aria-selected={isActive}
              {...(row ? {} : { 'aria-busy': true, 'aria-label': en.common.loadingRow })}
              className={`${styles['row'] ?? ''} ${isActive ? (styles['active'] ?? '') : ''} ${onOpen || onActive ? (styles['opens'] ?? '') : ''}`}
              style={{ height: rowHeight, transform: `translateY(${String(item.start)}px)` }}
              onClick={() => {
                setActive(item.index);
                if (!row) return;
                onActive?.(row);
                if (!onActive) onOpen?.(row);
              }}
              onDoubleClick={() => {
                if (row && onActive) onOpen?.(row);
              }}
            >
              {columns.map((column, index) => (
                <div
                  key={column.id}
                  role="gridcell"
                  aria-colindex={index + 1}
                  className={`${styles['cell'] ?? ''} ${column.end ? (styles['end'] ?? '') : ''} ${props.cells && isActive && index === marked ? (styles['marked'] ?? '') : ''}`}
                  onClick={() => {
                    if (props.cells) mark(index);
                  }}
                >
                  {row ? column.cell(row) : <div className={styles['placeholder']} />}
                </div>
              ))}
            </div>
          );
        })}
      </div>
    </div>
  );
}

/** Text of a cell, cut with an ellipsis and whole on hover; direction follows the script. */
export function CellText(props: { readonly children: string; readonly dim?: boolean }): ReactNode {
  return (
    <span
      className={styles['text']}
      dir="auto"
      title={props.children}
      style={props.dim ? { color: 'var(--dim)' } : {}}
    >
      {props.children}
    </span>
  );
}

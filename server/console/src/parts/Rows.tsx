// A table of rows that can be read page by page.
import { Button, Paper, Stack, Table, TableBody, TableCell, TableContainer, TableHead, TableRow, useMediaQuery, useTheme } from '@mui/material';
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';

import { get } from '../api/client';
import type { Page } from '../api/types';
import { Empty, Loaded } from './State';

export function usePages<T>(key: string, path: string, query: Record<string, string> = {}, enabled = true) {
  return useInfiniteQuery({
    queryKey: [key, path, query],
    enabled,
    queryFn: ({ pageParam }) => get<Page<T>>(path, { ...query, page_token: pageParam }),
    initialPageParam: '',
    getNextPageParam: (last) => last.next_page_token || undefined,
    placeholderData: keepPreviousData,
  });
}

export type Pages<T> = ReturnType<typeof usePages<T>>;

export function rowsOf<T>(pages: Pages<T>): T[] {
  return pages.data?.pages.flatMap((page) => page.rows) ?? [];
}

interface Props<T> {
  label: string;
  pages: Pages<T>;
  head: string[];
  row: (row: T, index: number) => ReactNode;
  // On a phone: what a row is there, instead of a table wider than the screen.
  card?: (row: T) => ReactNode;
}

export function Rows<T>({ label, pages, head, row, card }: Props<T>) {
  const { t } = useTranslation();
  const narrow = useMediaQuery(useTheme().breakpoints.down('sm'), { noSsr: true });
  const rows = rowsOf(pages);
  return (
    <Loaded query={pages}>
      {() => (
        <TableContainer component={Paper} variant="outlined">
          {narrow && card ? <Stack component="ul" aria-label={label} spacing={2} sx={{ listStyle: 'none', p: 2, m: 0 }}>{rows.map(card)}</Stack> : <Table size="small" aria-label={label} sx={{ minWidth: 720 }}>
            <TableHead>
              <TableRow>
                {head.map((text, i) => (
                  <TableCell key={i}>{text}</TableCell>
                ))}
              </TableRow>
            </TableHead>
            <TableBody>{rows.map(row)}</TableBody>
          </Table>}
          {rows.length === 0 && <Empty />}
          {pages.hasNextPage && (
            <Button
              fullWidth
              loading={pages.isFetchingNextPage}
              onClick={() => void pages.fetchNextPage()}
            >
              {t('app.more')}
            </Button>
          )}
        </TableContainer>
      )}
    </Loaded>
  );
}

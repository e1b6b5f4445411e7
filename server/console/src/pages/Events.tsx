import { Stack, TableCell, TableRow, TextField, Typography } from '@mui/material';
import { useTranslation } from 'react-i18next';
import { useSearchParams } from 'react-router-dom';

import type { Event } from '../api/types';
import { deviceName, fileName, formatNumber, formatTime } from '../format';
import { Rows, usePages } from '../parts/Rows';
import { OutcomeChip } from '../parts/Shown';

function detail(event: Event, people: string): string {
  if (event.transfer) {
    return `${fileName(event.transfer.file_path)} · ${people} ${formatNumber(event.transfer.persons)}`;
  }
  return event.reason;
}

export function Events() {
  const { t } = useTranslation();
  // In the address, so that a filter can be linked to.
  const [query, setQuery] = useSearchParams();
  const filter = { terminal: query.get('terminal') ?? '', person: query.get('person') ?? '', device_id: query.get('device_id') ?? '' };
  const pages = usePages<Event>('events', 'events', filter);
  const field = (name: keyof typeof filter, label: string) => (
    <TextField size="small" label={label} value={filter[name]} onChange={(e) => setQuery({ ...filter, [name]: e.target.value }, { replace: true })} />
  );
  return (
    <>
      <Stack direction="row" spacing={2} useFlexGap sx={{ mb: 2, alignItems: 'center', flexWrap: 'wrap' }}>
        <Typography component="h1" variant="h5" sx={{ flexGrow: 1 }}>{t('event.list')}</Typography>
        {field('terminal', t('terminal.name'))}
        {field('person', t('who.person'))}
        {field('device_id', t('event.device'))}
      </Stack>
      <Rows
        label={t('event.list')}
        pages={pages}
        head={[t('event.occurred'), t('event.kind'), t('event.outcome'), t('alert.person'), t('terminal.name'), t('event.device'), t('event.detail')]}
        row={(event) => (
          <TableRow key={event.row_id}>
            <TableCell sx={{ whiteSpace: 'nowrap' }}>{formatTime(event.occur_time)}</TableCell>
            <TableCell>{t(`kind.${event.kind}`, { defaultValue: event.kind })}</TableCell>
            <TableCell>
              <OutcomeChip outcome={event.outcome} /> {event.observe_only && event.outcome !== 'none' && <Typography variant="caption">{t('event.observeOnly')}</Typography>}
            </TableCell>
            <TableCell>{event.who.person || '–'}</TableCell>
            <TableCell sx={{ whiteSpace: 'nowrap' }}>{event.terminal}</TableCell>
            <TableCell sx={{ overflowWrap: 'anywhere' }}>{event.device ? deviceName(event.device) : '–'}</TableCell>
            <TableCell sx={{ overflowWrap: 'anywhere' }}>{detail(event, t('transfer.persons'))}</TableCell>
          </TableRow>
        )}
      />
    </>
  );
}

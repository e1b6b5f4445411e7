// One review: its items on the left, the one that is open on the right with its
// verdict; signed when none is left.
import { Alert as Banner, Box, Button, Chip, Grid, List, ListItemButton, ListItemText, Paper, Stack, TextField, Typography } from '@mui/material';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link as RouterLink, useParams } from 'react-router-dom';

import { get, post } from '../api/client';
import type { OpenedItem, Review, ReviewItem, ReviewStory } from '../api/types';
import { deviceName, fileName, formatNumber, formatTime } from '../format';
import { useMay } from '../may';
import { CaseButton } from '../parts/CaseDialog';
import { ColumnFacts, TransferFacts, WhoFacts } from '../parts/EventFacts';
import { DecisionDialog } from '../parts/Grant';
import { Help } from '../parts/Help';
import { Code, OutcomeChip } from '../parts/Shown';
import { ErrorText, Loaded } from '../parts/State';
import { alertStory } from '../story';
import { periodOf, ReviewChip } from './Reviews';

const VERDICTS = ['in_order', 'unclear', 'violation'] as const;
const COLOR = { in_order: 'success', unclear: 'warning', violation: 'error', '': 'default' } as const;

function Subject({ opened }: { opened: OpenedItem }) {
  const { t } = useTranslation();
  const event = opened.alert?.event ?? opened.event;
  return (
    <Stack spacing={1.5}>
      {opened.alert && (
        <Typography sx={{ overflowWrap: 'anywhere' }}>
          {alertStory(opened.alert, t)}{' '}
          <RouterLink to={`/alerts/${opened.alert.alert_id}`}>{t('alert.one', { id: opened.alert.alert_id })}</RouterLink>
          {opened.alert.verdict && <> · {t('alert.verdict')}: {t(`verdict.${opened.alert.verdict}`)}{opened.alert.assignee && ` (${opened.alert.assignee})`}</>}
        </Typography>
      )}
      {event && (
        <>
          <Typography sx={{ overflowWrap: 'anywhere' }}>
            {t(`kind.${event.kind}`, { defaultValue: event.kind })} <OutcomeChip outcome={event.outcome} /> {event.who.person || t('app.unknown')} · {event.terminal}
            {event.device && <> → {deviceName(event.device)}</>}
            {event.transfer && <> · {fileName(event.transfer.file_path)} · {t('alert.people', { persons: formatNumber(event.transfer.persons) })}</>}
          </Typography>
          {(event.rule || event.reason) && <Typography variant="body2">{t('event.rule')}: <Code>{event.rule || '–'}</Code> {event.reason}</Typography>}
          {event.transfer && <><TransferFacts transfer={event.transfer} /><ColumnFacts columns={event.transfer.columns} /></>}
          <WhoFacts who={event.who} />
        </>
      )}
    </Stack>
  );
}

interface ItemProps {
  review: ReviewStory;
  item: ReviewItem;
  onSaved: (next: boolean) => void;
}

function Item({ review, item, onSaved }: ItemProps) {
  const { t } = useTranslation();
  const may = useMay();
  const works = review.is_reviewer && review.sign_time === null && may('JudgeReviewItem');
  // Opening is written down, once for each time it is asked for.
  const query = useQuery({ queryKey: ['opened', review.review_id, item.no], enabled: works, staleTime: Infinity, retry: false,
    queryFn: () => post<OpenedItem>(`reviews:open/${review.review_id}`, { item_no: item.no }) });
  const [note, setNote] = useState(item.note);
  const judge = useMutation({
    mutationFn: (verdict: string) => post<Review>(`reviews:judge/${review.review_id}`, { item_no: item.no, verdict, note: note.trim() }),
    onSuccess: () => onSaved(true),
  });
  return (
    <Paper variant="outlined" component="section" sx={{ p: 2 }}>
      <Stack direction="row" useFlexGap spacing={1} sx={{ mb: 1, alignItems: 'center', flexWrap: 'wrap' }}>
        <Typography component="h2" variant="h6" sx={{ flexGrow: 1 }}>{t('review.item', { no: item.no, count: review.item_count })}: {t(`reviewWhy.${item.why}`)}</Typography>
        {item.verdict && <Chip size="small" color={COLOR[item.verdict]} label={t(`reviewVerdict.${item.verdict}`)} />}
        <CaseButton items={item.alert_id ? { alert_ids: [item.alert_id] } : { event_row_ids: [item.event_row_id] }} />
      </Stack>
      {!works && <Typography color="text.secondary">{t(review.sign_time ? 'review.isSigned' : 'review.notYours')}</Typography>}
      {works && <Loaded query={query}>{(opened) => <Subject opened={opened} />}</Loaded>}
      {item.judged_by && <Typography variant="body2" sx={{ mt: 1 }}>{t('review.judgedBy', { who: item.judged_by, time: formatTime(item.judge_time) })} {item.note}</Typography>}
      {works && query.isSuccess && (
        <Stack spacing={1.5} sx={{ mt: 2, mb: -2, pt: 1.5, pb: 2, position: 'sticky', bottom: 0, bgcolor: 'background.paper', borderTop: 1, borderColor: 'divider' }}>
          {judge.isError && <Banner severity="error"><ErrorText error={judge.error} /></Banner>}
          <TextField multiline maxRows={5} size="small" label={t('review.note')} helperText={t('review.noteHelp')} value={note} onChange={(e) => setNote(e.target.value)} slotProps={{ htmlInput: { maxLength: 300 } }} />
          <Stack direction="row" useFlexGap spacing={1} sx={{ flexWrap: 'wrap' }}>
            {VERDICTS.map((verdict) => (
              <Button key={verdict} variant={verdict === 'in_order' ? 'contained' : 'outlined'} color={verdict === 'in_order' ? 'success' : verdict === 'unclear' ? 'warning' : 'error'}
                disabled={judge.isPending || (verdict !== 'in_order' && note.trim() === '')} onClick={() => judge.mutate(verdict)}>{t(`reviewVerdict.${verdict}`)}</Button>
            ))}
          </Stack>
        </Stack>
      )}
    </Paper>
  );
}

function Sign({ review, onDone, onSaved }: { review: ReviewStory; onDone: () => void; onSaved: () => void }) {
  const { t } = useTranslation();
  const [note, setNote] = useState('');
  const send = useMutation({ mutationFn: () => post<Review>(`reviews:sign/${review.review_id}`, { note: note.trim() }), onSuccess: () => { onSaved(); onDone(); } });
  return (
    <DecisionDialog title={t('review.signTitle', { id: review.review_id })} warning={t('review.signDoes', { items: formatNumber(review.item_count), findings: formatNumber(review.finding_count) })} error={send.error} act={t('review.sign')} busy={send.isPending} onAct={() => send.mutate()} onDone={onDone}>
      <TextField autoFocus multiline maxRows={5} label={t('review.note')} value={note} onChange={(e) => setNote(e.target.value)} slotProps={{ htmlInput: { maxLength: 300 } }} />
    </DecisionDialog>
  );
}

export function ReviewPage() {
  const { t } = useTranslation();
  const { id = '' } = useParams();
  const client = useQueryClient();
  const query = useQuery({ queryKey: ['review', id], queryFn: () => get<ReviewStory>(`reviews/${id}`) });
  const [at, setAt] = useState<number | null>(null);
  const [signing, setSigning] = useState(false);
  const saved = () => { for (const key of ['review', 'reviews', 'alerts']) void client.invalidateQueries({ queryKey: [key] }); };
  return (
    <Loaded query={query}>
      {(review) => {
        const item = review.items.find((one) => one.no === at);
        const left = review.item_count - review.judged_count;
        const next = (after: number) => review.items.find((one) => one.no > after && one.verdict === '') ?? review.items.find((one) => one.no !== after && one.verdict === '');
        return (
          <Stack spacing={1.5}>
            <Stack direction="row" spacing={1} useFlexGap sx={{ alignItems: 'center', flexWrap: 'wrap' }}>
              <Typography component="h1" variant="h6" sx={{ flexGrow: 1, overflowWrap: 'anywhere' }}>{review.name}: {periodOf(review)}</Typography>
              <ReviewChip state={review.state} />
              {review.is_reviewer && review.sign_time === null && <Button variant="contained" disabled={left > 0} aria-haspopup="dialog" onClick={() => setSigning(true)}>{t('review.sign')}…</Button>}
            </Stack>
            <Typography variant="body2" color="text.secondary">
              {t('review.drawn', { items: formatNumber(review.item_count), alerts: formatNumber(review.alert_count), refused: formatNumber(review.refused_count), passed: formatNumber(review.passed_count) })}{' '}
              {t('review.due')}: {formatTime(review.due_time)}. {left > 0 ? t('review.left', { value: formatNumber(left) }) : t('review.allJudged')} <Help term="draw" />
            </Typography>
            {review.sign_time && <Banner severity={review.state === 'signed' ? 'success' : 'warning'}>{t('review.signedBy', { who: review.signed_by, time: formatTime(review.sign_time) })} {review.sign_note}</Banner>}
            <Grid container spacing={1.5}>
              <Grid size={{ xs: 12, md: 4.5 }}>
                <Paper variant="outlined" sx={{ maxHeight: { md: '70vh' }, overflowY: 'auto' }} tabIndex={0} role="region" aria-label={t('review.items')}>
                  <List component="div" dense disablePadding>
                    {review.items.map((one) => (
                      <ListItemButton key={one.no} selected={one.no === at} onClick={() => setAt(one.no)} divider>
                        <ListItemText sx={{ overflowWrap: 'anywhere' }} primary={`${one.no}. ${t(`reviewWhy.${one.why}`)} · ${one.terminal || '–'}`} secondary={`${formatTime(one.time)} · ${one.person || t('app.unknown')}`} />
                        {one.verdict ? <Chip size="small" color={COLOR[one.verdict]} label={t(`reviewVerdict.${one.verdict}`)} /> : <Chip size="small" variant="outlined" label={t(one.opened_by.length > 0 ? 'review.opened' : 'review.unseen')} />}
                      </ListItemButton>
                    ))}
                  </List>
                  {review.items.length === 0 && <Typography sx={{ p: 2 }}>{t('review.nothing')}</Typography>}
                </Paper>
              </Grid>
              <Grid size={{ xs: 12, md: 7.5 }}>
                {item ? <Item key={item.no} review={review} item={item} onSaved={(go) => { saved(); if (go) setAt(next(item.no)?.no ?? item.no); }} />
                  : <Paper variant="outlined" sx={{ p: 2 }}><Typography sx={{ mb: 1 }}>{t('review.choose')}</Typography>{review.items.length > 0 && <Button variant="outlined" onClick={() => setAt((next(0) ?? review.items[0])?.no ?? null)}>{t('review.begin')}</Button>}</Paper>}
              </Grid>
            </Grid>
            <Box component="details">
              <Typography component="summary" variant="body2" sx={{ cursor: 'pointer' }}>{t('review.history')}</Typography>
              <Typography variant="body2" component="div" sx={{ overflowWrap: 'anywhere', mt: 1 }}>{t('review.seed', { size: formatNumber(review.log_size), root: review.log_root })}</Typography>
              {review.history.map((one) => <Typography key={one.row_id} variant="body2" component="div" sx={{ overflowWrap: 'anywhere' }}>{formatTime(one.time)} · {one.user} · {one.action} {one.detail}{one.result !== 'ok' && ` (${one.result})`}</Typography>)}
            </Box>
            {signing && <Sign review={review} onDone={() => setSigning(false)} onSaved={saved} />}
          </Stack>
        );
      }}
    </Loaded>
  );
}

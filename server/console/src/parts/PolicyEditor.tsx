// The policy's text with what the server finds wrong in it, where it is wrong;
// and two texts beside each other. Fetched when the page is opened.
import { yaml } from '@codemirror/lang-yaml';
import { HighlightStyle, syntaxHighlighting } from '@codemirror/language';
import { type Diagnostic, linter, lintGutter } from '@codemirror/lint';
import { unifiedMergeView } from '@codemirror/merge';
import { EditorState, type Extension } from '@codemirror/state';
import { tags } from '@lezer/highlight';
import { useTheme } from '@mui/material';
import { basicSetup, EditorView } from 'codemirror';
import { useEffect, useRef } from 'react';

import { post } from '../api/client';
import type { CheckedPolicy, Problem } from '../api/types';

function useLook(label: string, height: string): Extension {
  const { palette } = useTheme();
  const dark = palette.mode === 'dark';
  return [
    basicSetup,
    yaml(),
    syntaxHighlighting(HighlightStyle.define([
      { tag: tags.comment, color: palette.text.secondary, fontStyle: 'italic' },
      { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: palette.primary.main, fontWeight: '600' },
      { tag: [tags.string, tags.content], color: palette.text.primary },
    ])),
    EditorView.lineWrapping,
    EditorView.contentAttributes.of({ 'aria-label': label, tabindex: '0' }),
    EditorView.theme({
      '&': { backgroundColor: palette.background.paper, color: palette.text.primary, fontSize: '13.5px', border: `1px solid ${palette.divider}`, borderRadius: '4px' },
      '&.cm-focused': { outline: `2px solid ${palette.primary.main}` },
      '.cm-scroller': { height, overflow: 'auto', fontFamily: 'ui-monospace, "Noto Sans Mono CJK JP", monospace' },
      '.cm-gutters': { backgroundColor: palette.background.paper, color: palette.text.secondary, borderRight: `1px solid ${palette.divider}` },
      '.cm-activeLine, .cm-activeLineGutter': { backgroundColor: palette.action.hover },
      '.cm-cursor': { borderLeftColor: palette.text.primary },
      '.cm-deletedChunk': { backgroundColor: dark ? '#4a1f1f' : '#fde7e7', color: palette.text.primary },
      '.cm-changedLine, .cm-insertedLine': { backgroundColor: dark ? '#173a22' : '#e4f4e7' },
      '.cm-changedText, .cm-deletedText': { background: 'none', textDecoration: 'underline' },
      '.cm-tooltip': { backgroundColor: palette.background.paper, color: palette.text.primary },
    }, { dark }),
  ];
}

function marks(view: EditorView, problems: Problem[], severity: Diagnostic['severity']): Diagnostic[] {
  return problems.map((problem) => {
    const line = view.state.doc.line(Math.min(Math.max(problem.line, 1), view.state.doc.lines));
    const from = Math.min(line.from + Math.max(problem.column - 1, 0), line.to);
    return { from, to: line.to, severity, message: problem.message };
  });
}

interface Props {
  label: string;
  text: string;
  readOnly: boolean;
  onChange: (text: string) => void;
  onChecked: (checked: CheckedPolicy) => void;
}

export function PolicyEditor({ label, text, readOnly, onChange, onChecked }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const told = useRef({ onChange, onChecked, text });
  const look = useLook(label, 'min(60vh, 560px)');
  const { palette } = useTheme();
  useEffect(() => { told.current = { onChange, onChecked, text }; });
  useEffect(() => {
    if (!place.current) return;
    const made = new EditorView({
      parent: place.current,
      state: EditorState.create({
        doc: told.current.text,
        extensions: [
          look,
          EditorState.readOnly.of(readOnly),
          lintGutter(),
          linter(async (editor) => {
            const checked = await post<CheckedPolicy>('policies:check', { text: editor.state.doc.toString() });
            told.current.onChecked(checked);
            return [...marks(editor, checked.problems, 'error'), ...marks(editor, checked.warnings, 'warning')];
          }, { delay: 400 }),
          EditorView.updateListener.of((update) => { if (update.docChanged) told.current.onChange(update.state.doc.toString()); }),
        ],
      }),
    });
    view.current = made;
    return () => made.destroy();
    // eslint-disable-next-line react-hooks/exhaustive-deps -- made anew only when its looks change
  }, [palette.mode, readOnly, label]);
  // Another version was chosen.
  useEffect(() => {
    const editor = view.current;
    if (editor && editor.state.doc.toString() !== text) editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: text } });
  }, [text]);
  return <div ref={place} />;
}

export function PolicyDiff({ label, before, after }: { label: string; before: string; after: string }) {
  const place = useRef<HTMLDivElement>(null);
  const look = useLook(label, 'min(60vh, 560px)');
  const { palette } = useTheme();
  useEffect(() => {
    if (!place.current) return;
    const made = new EditorView({
      parent: place.current,
      doc: after,
      extensions: [look, EditorState.readOnly.of(true), unifiedMergeView({ original: before, mergeControls: false, collapseUnchanged: { margin: 3, minSize: 6 } })],
    });
    return () => made.destroy();
    // eslint-disable-next-line react-hooks/exhaustive-deps -- made anew only when its looks change
  }, [palette.mode, before, after, label]);
  return <div ref={place} />;
}

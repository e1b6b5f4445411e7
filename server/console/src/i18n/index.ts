import i18n from 'i18next';
import { initReactI18next } from 'react-i18next';

import en from './en.json';
import ja from './ja.json';

export const LANGUAGES = ['en', 'ja'] as const;

const remembered = localStorage.getItem('language');
const preferred = navigator.language.startsWith('ja') ? 'ja' : 'en';

void i18n.use(initReactI18next).init({
  resources: { en: { translation: en }, ja: { translation: ja } },
  lng: remembered ?? preferred,
  fallbackLng: 'en',
  // React escapes.
  interpolation: { escapeValue: false },
  returnNull: false,
});

export function setLanguage(language: string): void {
  localStorage.setItem('language', language);
  document.documentElement.lang = language;
  void i18n.changeLanguage(language);
}

document.documentElement.lang = i18n.language;

export default i18n;

import {defineConfig} from 'vitest/config';

// Every file is a file: the relay's content security policy allows nothing inline, so no asset may
// become a data: address. In development, calls go to a relay on its default port.
const relay = 'http://127.0.0.1:8080';

export default defineConfig({
  build: {assetsInlineLimit: 0, target: 'es2022', modulePreload: {polyfill: false}},
  server: {proxy: {'/whip': relay, '/whep': relay, '/v1': relay}},
  test: {include: ['tests/**/*.test.ts']},
});

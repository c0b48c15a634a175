import { baseName } from '../../capture/launch.ts';
import { moduleName } from './words.ts';
import type { ServiceNameResolver } from './service-name.ts';

/** `nginx: worker process`, `postgres: 15/main: checkpointer`, `php-fpm: pool shop`, `gunicorn: master [shop.wsgi]`, `sshd: root@pts/0` */
const TITLE = /^([\w./+-]+?)(?:\[\d+\])?: (.*)$/;

/** A process that wrote its title over its arguments, as daemons do for `ps`. */
export const title: ServiceNameResolver = {
  source: 'title',
  resolve({ facts }) {
    const match = TITLE.exec(facts.argv?.[0] ?? '');
    if (match === null) return undefined;
    const program = baseName(match[1]!);
    const rest = match[2]!;
    const pool = /^pool (\S+)/.exec(rest)?.[1];
    // The pool that every distribution ships is called www.
    if (program.startsWith('php-fpm')) return pool && pool !== 'www' ? pool : 'php-fpm';
    const target = /\[(.+)\]/.exec(rest)?.[1];
    if (program === 'gunicorn' && target) return moduleName(target, facts.cwd) ?? program;
    return program === 'uWSGI' ? 'uwsgi' : program;
  },
};

import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException } from '@nestjs/common'
import type { FastifyReply } from 'fastify'
import type { Logger } from './logger.js'

/**
 * Every error that leaves over HTTP has the form `{error: {code, message, retriable}}`. A handler that throws an `HttpException`
 * whose response already is `{error}` is passed through; anything unexpected is `internal`, logged, and tells the client nothing.
 */
@Catch()
export class FailureFilter implements ExceptionFilter {
  constructor(private readonly logger: Logger) {}

  catch(exception: unknown, host: ArgumentsHost): void {
    const reply = host.switchToHttp().getResponse<FastifyReply>()
    const status = statusOf(exception)
    if (status >= 500) this.logger.error({ err: exception }, 'a request failed')
    if (reply.sent || reply.raw.headersSent) return
    void reply.code(status).type('application/json; charset=utf-8').send(bodyOf(exception, status))
  }
}

export interface ErrorBody {
  error: { code: string; message: string; retriable: boolean }
}

export function errorBody(status: number, message: string): ErrorBody {
  const code = codes[status] ?? (status < 500 ? 'invalid' : 'internal')
  return { error: { code, message, retriable: status === 429 || status === 503 || status === 504 } }
}

const codes: Record<number, string> = {
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not_found',
  405: 'not_found',
  409: 'conflict',
  410: 'expired',
  413: 'too_large',
  429: 'limited',
  503: 'unavailable',
  504: 'unknown',
}

/** What was not understood is 422 in the contract; frameworks say 400 or 415. */
function statusOf(exception: unknown): number {
  const given = exception instanceof HttpException ? exception.getStatus() : (exception as { statusCode?: unknown } | null)?.statusCode
  const status = typeof given === 'number' && given >= 400 && given < 600 ? given : 500
  return status === 400 || status === 415 ? 422 : status
}

function bodyOf(exception: unknown, status: number): unknown {
  const response = exception instanceof HttpException ? exception.getResponse() : undefined
  if (typeof response === 'object' && 'error' in response && typeof response.error === 'object') return response
  return errorBody(status, status < 500 && exception instanceof Error ? exception.message : 'something went wrong on our side')
}

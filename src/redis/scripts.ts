/*
 * Each operation is one script, so that nothing comes between its steps. KEYS are those of one token, in one hash
 * slot: the token, the lock, the generation, and the token that a revocation removed.
 *
 * If a script fails in the middle, its earlier changes remain. So deletions come first: Redis allows them when its
 * memory is full, and also what follows them in the same script. Publishing comes last and in a protected call, because
 * the user may not have the right to publish.
 *
 * A generation is a whole number. Its last six digits count the writes of an epoch; those before them are the epoch,
 * drawn at random when Redis knows nothing of the key. It is odd when the epoch has seen a revocation. So `put` can
 * tell whether the generation of its lock was overtaken or forgotten. Lua computes with whole numbers below 2^53
 * exactly. The token is stored together with its generation, as Redis may evict one of its keys alone.
 */

const read = `
local stored = redis.call('GET', KEYS[1])
local generation = redis.call('GET', KEYS[3])
local own, value
if stored then
  own, value = string.match(stored, '^(%d+):(.*)$')
end
if not generation or #generation > 15 or not string.match(generation, '^%d+$') then
  generation = own
end
`;

/** Generations are compared as text, and written without an exponent. */
const advance = `
local function isOdd(number)
  return tonumber(number) % 2 == 1
end
local function after(number, step)
  return string.format('%.0f', tonumber(number) + step)
end
`;

/** ARGV: known generation or "", lock ID, life of a lock, first generation, life of a generation. */
export const acquire = `${read}
if stored and (own or generation or ARGV[4]) ~= ARGV[1] then
  generation = own or generation or ARGV[4]
  redis.pcall('SET', KEYS[3], generation, 'PX', ARGV[5])
  return {'token', generation, redis.call('PTTL', KEYS[1]), value or stored}
end
generation = generation or ARGV[4]
local left = redis.call('PTTL', KEYS[2])
if left ~= -2 then
  return {'held', generation, left}
end
redis.call('SET', KEYS[3], generation, 'PX', ARGV[5])
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
return {'locked', generation}
`;

/**
 * ARGV: generation of the lock, lock ID, value, life of the token, life of a generation, channel, message, first
 * generation.
 *
 * A missing generation was lost. The token is stored then too, unless another process has the lock.
 */
export const put = `${read}${advance}
local lock = redis.call('GET', KEYS[2])
if lock == ARGV[2] then
  redis.call('DEL', KEYS[2])
end
if generation and generation ~= ARGV[1] then
  local sameEpoch = string.sub(generation, 1, -7) == string.sub(ARGV[1], 1, -7)
  return (sameEpoch or isOdd(generation)) and 'overtaken' or 'forgotten'
end
if not generation and lock and lock ~= ARGV[2] then
  return 'forgotten'
end
generation = generation and after(generation, 2) or ARGV[8]
redis.call('SET', KEYS[3], generation, 'PX', ARGV[5])
redis.call('SET', KEYS[1], generation .. ':' .. ARGV[3], 'PX', ARGV[4])
redis.pcall('PUBLISH', ARGV[6], ARGV[7])
return generation
`;

/** ARGV: lock ID, channel, message. */
export const release = `
if redis.call('GET', KEYS[2]) == ARGV[1] then
  redis.call('DEL', KEYS[2])
  redis.pcall('PUBLISH', ARGV[2], ARGV[3])
end
return false
`;

/**
 * ARGV: first generation, life of a generation, channel, message.
 *
 * The removed token stays under another name until the store has received it, because the response may be lost. A
 * generation that cannot be incremented is deleted.
 */
export const revoke = `${read}${advance}
local taken = redis.call('GET', KEYS[4])
local left = math.max(redis.call('PTTL', KEYS[1]), redis.call('PTTL', KEYS[4]))
redis.call('DEL', KEYS[1], KEYS[2])
if stored then
  taken = taken and (taken .. ' ' .. stored) or stored
  if left > 0 then
    redis.pcall('SET', KEYS[4], taken, 'PX', left)
  end
end
generation = generation or ARGV[1]
local moved = redis.pcall('SET', KEYS[3], after(generation, isOdd(generation) and 2 or 1), 'PX', ARGV[2])
if moved.err then
  redis.pcall('DEL', KEYS[3])
end
redis.pcall('PUBLISH', ARGV[3], ARGV[4])
return {'revoked', taken or ''}
`;

/** The token that a revocation removed was received. ARGV: that token. */
export const received = `
if redis.call('GET', KEYS[4]) == ARGV[1] then
  redis.call('DEL', KEYS[4])
end
return false
`;

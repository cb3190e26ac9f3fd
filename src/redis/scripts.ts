/*
 * Each operation is one script, so that nothing comes between its steps. KEYS are those of one token, in one hash
 * slot: the token, the lock and the generation. Generations are compared as texts, as Lua rounds long numbers.
 */

/** ARGV: known generation or "", lock ID, life of a lock, first generation, life of a generation. */
export const acquire = `
local generation = redis.call('GET', KEYS[3]) or ARGV[4]
redis.call('SET', KEYS[3], generation, 'PX', ARGV[5])
local token = redis.call('GET', KEYS[1])
if token and generation ~= ARGV[1] then
  return {'token', generation, redis.call('PTTL', KEYS[1]), token}
end
if redis.call('SET', KEYS[2], ARGV[2], 'NX', 'PX', ARGV[3]) then
  return {'locked', generation}
end
return {'held', generation, redis.call('PTTL', KEYS[2])}
`;

/** ARGV: generation of the lock, lock ID, value, life of the token, life of a generation, channel, message. */
export const put = `
if redis.call('GET', KEYS[2]) == ARGV[2] then
  redis.call('DEL', KEYS[2])
end
if redis.call('GET', KEYS[3]) ~= ARGV[1] then
  return false
end
redis.call('INCR', KEYS[3])
redis.call('PEXPIRE', KEYS[3], ARGV[5])
redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[4])
redis.call('PUBLISH', ARGV[6], ARGV[7])
return redis.call('GET', KEYS[3])
`;

/** ARGV: lock ID, channel, message. */
export const release = `
if redis.call('GET', KEYS[2]) == ARGV[1] then
  redis.call('DEL', KEYS[2])
  redis.call('PUBLISH', ARGV[2], ARGV[3])
end
return false
`;

/** ARGV: first generation, life of a generation, channel, message. */
export const revoke = `
local token = redis.call('GET', KEYS[1])
redis.call('SET', KEYS[3], ARGV[1], 'NX')
redis.call('INCR', KEYS[3])
redis.call('PEXPIRE', KEYS[3], ARGV[2])
redis.call('DEL', KEYS[1], KEYS[2])
redis.call('PUBLISH', ARGV[3], ARGV[4])
return token
`;

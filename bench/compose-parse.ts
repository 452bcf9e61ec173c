// Reading and normalising a compose file of 100 services, as large as real ones get: from text to hashes, once warm.
import { hashService } from '../protocol/compose/hash.js'
import { parseCompose } from '../protocol/compose/parse.js'
import { unwrap } from '../protocol/errors.js'
import { median, printFigure, quantile } from './support/figures.js'

const services = 100
const runs = 50

/** What real services have most: image, ports, volumes, environment with variables, labels, health check, limits, anchors. */
function service(n: number): string {
  return `  app-${n}:
    <<: *common
    image: example/app-${n % 7}:\${TAG:-1.${n}}
    container_name: line-app-${n}
    hostname: app-${n}
    command: ["run", "--port", "8080", "--name", "app-${n}"]
    environment:
      - MODE=production
      - BROKER=mqtt://\${BROKER_HOST:-broker}:1883
      - TOPIC=plant/line-${n}/#
      - LEVEL
    ports:
      - "${10_000 + n}:8080"
      - target: 9090
        published: ${20_000 + n}
        host_ip: 127.0.0.1
    volumes:
      - data-${n}:/var/lib/app
      - /etc/localtime:/etc/localtime:ro
      - type: tmpfs
        target: /run/app
        tmpfs: { size: 16m }
    networks:
      plant:
        aliases: [app-${n}.plant]
      back:
    depends_on:${n === 0 ? ' {}' : `\n      app-${n - 1}: { condition: service_healthy }`}
    healthcheck:
      test: curl -f http://localhost:8080/health || exit 1
      interval: 1m30s
      timeout: 10s
      retries: 3
      start_period: 40s
    labels:
      plant.line: "${n}"
      traefik.enable: "true"
    deploy:
      resources:
        limits: { cpus: "0.50", memory: 128M }
`
}

const numbers = Array.from({ length: services }, (_, n) => n)
const text = `x-common: &common
  restart: unless-stopped
  read_only: true
  user: "1000:1000"
  cap_drop: [ALL]
  security_opt: [no-new-privileges:true]
  logging:
    driver: json-file
    options: { max-size: 10m, max-file: "3" }
services:
${numbers.map(service).join('')}networks:
  plant: { driver: bridge }
  back: { internal: true }
volumes:
${numbers.map(n => `  data-${n}:\n`).join('')}`

const times = Array.from({ length: runs }, () => {
  const started = performance.now()
  const { project } = unwrap(parseCompose(text, { environment: { LEVEL: 'info' } }))
  for (const one of Object.values(project.services)) hashService(one, project)
  return performance.now() - started
})
const warm = times.slice(10)
printFigure(`${services} services, ${text.length} characters: first time, cold`, times[0] ?? Number.NaN, 'ms')
printFigure('  warm: median', median(warm), 'ms', '<= 20')
printFigure('  warm: 90th percentile', quantile(warm, 0.9), 'ms')
